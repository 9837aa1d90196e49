import Collector
import Exposition
import Testing

@testable import Controller

@Suite struct SettingsTests {
  /// A valid value other than the default for every setting.
  static let samples: [String: [String]] = [
    "interval": ["20s"], "threshold": ["10m"], "grace": ["0s"], "virtual-nodes": ["a=b", "role in (x,y)"],
    "ignore-nodes": ["pool=lab"], "ignore-namespaces": ["team in (a,b)", "!owner"], "sandboxed-runtime-classes": ["isolation=vm"],
    "scrapers": ["Prometheus/", "vm_promscrape"], "container-metrics": ["all"], "deadline": ["1s500ms"],
    "max-calls": ["7"], "kept-connections": ["70"], "agent-metrics-port": ["1"], "agent-metrics-scheme": ["https"],
    "agent-metrics-tls-secret": ["scraping"], "agent-roll-port": ["2"], "windows-port": ["3"], "windows-path": ["/w"],
    "windows-scheme": ["https"], "windows-collect": ["cpu", "container"], "windows-source": ["auto"], "windows-pages": ["pass-through"],
    "windows-targets": ["exporter"], "windows-ca-file": ["/ca"], "windows-cert-file": ["/cert"], "windows-key-file": ["/key"],
    "windows-skip-verify": ["true"], "windows-headers-file": ["/headers"], "kubelet-access": ["direct"], "kubelet-ca-file": ["/kca"],
    "kubelet-token-file": ["/token"], "kubelet-skip-verify": ["true"], "max-probes": ["9"],
    "label-limit": ["100"], "label-length-limit": ["8192"], "proxy-address": ["rollcall:9750"],
    "virtual-port": ["4"], "virtual-path": ["/v/x"], "virtual-scheme": ["https"], "virtual-from": ["node"], "virtual-transfers": ["8"],
    "virtual-ca-file": ["/vca"], "virtual-skip-verify": ["true"],
    "virtual-keep": ["container_cpu_*", "up"], "virtual-drop": ["container_fs_*"], "virtual-timestamps": ["off"],
    "virtual-staleness": ["30s"], "virtual-mode": ["both"], "virtual-basic": ["container_cpu_*"],
    "remote-write-url": ["https://receiver/api/v1/write?a=b"], "remote-write-version": ["2.0"], "remote-write-headers-file": ["/rh"],
    "remote-write-ca-file": ["/rca"],
    "remote-write-cert-file": ["/rcert"], "remote-write-key-file": ["/rkey"], "remote-write-skip-verify": ["true"],
    "remote-write-proxy-url": ["http://proxy:3128"],
    "open-falcon-url": ["http://[::1]:1988/v1/push"], "open-falcon-tags": ["pod", "tcp_state"],
    "external-labels": ["cluster=east", "zone=a=b"], "push-timeout": ["5s"],
    "push-shards": ["2"], "push-samples-per-send": ["500"], "push-send-deadline": ["1s"], "push-memory": ["1536KB"],
    "push-spool-dir": ["/spool"], "push-spool-limit": ["3GB"], "own-address": ["10.3.0.4"],
    "allow-loopback-targets": ["true"], "annotation-addresses": ["10.4.0.0/16", "node.example"], "annotation-ports": ["9443"],
    "probe-linux": ["true"], "alertmanager-url": ["https://a:9093", "https://b"], "alertmanager-headers-file": ["/ah"],
    "alertmanager-ca-file": ["/aca"], "alertmanager-cert-file": ["/acert"], "alertmanager-key-file": ["/akey"],
    "alertmanager-skip-verify": ["true"], "runbooks-url": ["https://wiki/rollcall"],
    "scrape-coverage": ["all"], "scraper-url": ["https://p:9090/prefix", "https://q"],
    "scraper-headers-file": ["/sh"], "scraper-ca-file": ["/sca"], "scraper-cert-file": ["/scert"], "scraper-key-file": ["/skey"],
    "scraper-skip-verify": ["true"], "service-monitors": ["off"],
    "service-monitor-labels": ["release=kps", "team=x"], "service-monitor-sample-limit": ["7"], "service-monitor-body-limit": ["1GB"],
    "events": ["off"], "rules-without-data": ["on"], "listen": ["[::1]:80"], "authorization": ["off"], "open-paths": ["/metrics", "/sd"],
    "trust-loopback": ["off"],
    "listen-tls": ["off"], "listen-tls-dir": ["/tls"], "listen-ca-secret": ["serving"], "scraper-token-secret": ["scraper"],
    "kubeconfig": ["/k"], "context": ["c"],
    "namespace": ["n"], "agent-namespace": ["m"], "leader-election": ["off"], "identity": ["me"], "shards": ["4"],
    "shard": ["3"], "log-level": ["debug"],
    "log-format": ["json"],
  ]

  func show(_ name: String, _ sources: SettingsSources) throws -> [String] {
    var sources = sources
    sources.flags.merge(Self.companions[name] ?? [:]) { given, _ in given }
    let settings = try sources.settings()
    return try #require(SettingsTable.all.first { $0.name == name }).show(settings)
  }

  @Test func `every setting has a sample value, and names are unique`() {
    #expect(Set(Self.samples.keys) == Set(SettingsTable.all.map(\.name)))
    #expect(Set(SettingsTable.all.map(\.key)).count == SettingsTable.all.count)
  }

  /// Other settings that a setting requires.
  private static let companions: [String: [String: [String]]] = {
    let receiver = ["virtual-mode": ["both"], "remote-write-url": ["https://receiver/api/v1/write"]]
    var companions: [String: [String: [String]]] = [
      "virtual-mode": ["open-falcon-url": ["http://falcon:1988/v1/push"]],
      "remote-write-url": ["virtual-mode": ["both"], "open-falcon-url": ["http://falcon:1988/v1/push"]],
    ]
    for name in ["headers", "ca", "cert", "key"] { companions["remote-write-\(name)-file"] = receiver }
    companions["remote-write-proxy-url"] = receiver
    companions["remote-write-key-file"]?["remote-write-cert-file"] = ["/cert"]
    for name in ["headers", "ca", "cert", "key"] { companions["alertmanager-\(name)-file"] = ["alertmanager-url": ["https://am"]] }
    companions["alertmanager-key-file"]?["alertmanager-cert-file"] = ["/cert"]
    companions["scraper-key-file"] = ["scraper-cert-file": ["/cert"]]
    companions["shard"] = ["shards": ["4"]]
    companions["listen-ca-secret"] = ["listen-tls-dir": ["/tls"]]
    return companions
  }()

  @Test(arguments: SettingsTable.all.map(\.name)) func `flags override the environment, which overrides the file, which overrides defaults`(
    name: String
  ) throws {
    let setting = try #require(SettingsTable.all.first { $0.name == name })
    let sample = try #require(Self.samples[name])
    let byDefault = setting.show(ControllerSettings())
    #expect(sample != byDefault)
    let yaml =
      setting.shape == .list
      ? "\(setting.key): [\(sample.map { "'\($0)'" }.joined(separator: ", "))]"
      : "\(setting.key): \(sample[0] == "[::1]:80" ? "'[::1]:80'" : sample[0])"
    let environment = [setting.environmentVariable: sample.joined(separator: ";")]
    #expect(try show(name, SettingsSources()) == byDefault)
    #expect(try show(name, SettingsSources(flags: [name: sample])) == sample)
    #expect(try show(name, SettingsSources(environment: environment)) == sample)
    #expect(try show(name, SettingsSources(file: ("f.yaml", Array(yaml.utf8)))) == sample)
    // Each source takes precedence over the following ones, whose values are not even parsed.
    let bad = Array("\(setting.key): ''".utf8)
    #expect(
      try show(name, SettingsSources(flags: [name: sample], environment: [setting.environmentVariable: ""], file: ("f", bad))) == sample)
    #expect(try show(name, SettingsSources(environment: environment, file: ("f", bad))) == sample)
  }

  @Test func `R85: a byte order mark before a file of several lines is skipped`() throws {
    let text = "\u{FEFF}interval: 20s\r\nthreshold: 3m\r\n"
    for bytes in [Array(text.utf8), text.utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }] {
      let settings = try SettingsSources(file: ("f.yaml", bytes)).settings()
      #expect(settings.interval == .seconds(20) && settings.threshold == .seconds(180))
    }
  }

  @Test func `R100: the limits of labels apply to exporters, pods and virtual nodes`() {
    var settings = ControllerSettings()
    (settings.labelLimit, settings.labelLengthLimit) = (100, 8192)
    for limits in [
      settings.nodes.windows.limits, settings.relay.windows.limits, settings.nodes.virtual.limits, settings.nodes.virtual.nodeLimits,
    ] {
      #expect(limits.labels == 100 && limits.labelLength == 8192)
    }
  }

  @Test func `R94: the budget of a virtual node's response is within the limits of its ServiceMonitor`() {
    var settings = ControllerSettings()
    (settings.serviceMonitorSampleLimit, settings.serviceMonitorBodyLimit) = (500, 1 << 20)
    #expect(settings.nodes.virtual.nodeBudget == PageBudget(samples: 500, bytes: (1 << 20) - 1))
    settings.serviceMonitors = .off
    #expect(settings.nodes.virtual.nodeBudget == nil)
  }

  @Test func `printed settings can be read back`() throws {
    // These exclude the CA files, the credentials and certificate of the port, and a leader without election.
    let unchecked = [
      "authorization", "listen-tls", "shards", "shard",
      "windows-skip-verify", "kubelet-skip-verify", "remote-write-skip-verify", "virtual-skip-verify", "alertmanager-skip-verify",
      "scraper-skip-verify",
    ]
    let samples = Self.samples.filter { !unchecked.contains($0.key) }
    let settings = try SettingsSources(flags: samples).settings()
    #expect(try SettingsSources(file: ("printed.yaml", Array(settings.yaml.utf8))).settings() == settings)
    let defaults = ControllerSettings()
    #expect(try SettingsSources(file: ("printed.yaml", Array(defaults.yaml.utf8))).settings() == defaults)
  }

  @Test func `flags, variables and keys are derived from setting names by one rule`() throws {
    let setting = try #require(SettingsTable.all.first { $0.name == "agent-roll-port" })
    #expect(setting.flag == "--agent-roll-port")
    #expect(setting.environmentVariable == "ROLLCALL_AGENT_ROLL_PORT")
    #expect(setting.key == "agentRollPort")
    #expect(setting.fullHelp.contains("Default: 9754."))
  }

  static let bad: [(SettingsSources, [String])] = [
    (SettingsSources(flags: ["interval": ["15"]]), ["--interval", "\"15\"", "15s, 5m"]),
    (SettingsSources(flags: ["interval": ["0s"]]), ["--interval", "more than 0s"]),
    (
      SettingsSources(environment: ["ROLLCALL_WINDOWS_PORT": "tcp://10.0.0.1:9182"]),
      ["ROLLCALL_WINDOWS_PORT", "tcp://10.0.0.1", "from 1 to 65535"]
    ),
    (SettingsSources(file: ("/etc/r.yaml", Array("interval: 15s\nagentRollPort: 99999\n".utf8))), ["/etc/r.yaml:2:16", "99999", "65535"]),
    (SettingsSources(file: ("/etc/r.yaml", Array("virtualNodes:\n  - a=b\n  - '='\n".utf8))), ["/etc/r.yaml:3:5", "label selector"]),
    (SettingsSources(file: ("/etc/r.yaml", Array("interval: 15s\n  intervall: 3\n".utf8))), ["/etc/r.yaml:2"]),
    (SettingsSources(file: ("/etc/r.yaml", Array("intervall: 15s\n".utf8))), ["/etc/r.yaml:1:1", "intervall"]),
    (SettingsSources(file: ("/etc/r.yaml", Array("interval: [15s]\n".utf8))), ["/etc/r.yaml:1:11"]),
    (SettingsSources(file: ("/etc/r.yaml", Array("- interval\n".utf8))), ["/etc/r.yaml:1:1"]),
    (SettingsSources(flags: ["interval": ["1m"], "threshold": ["90s"]]), ["threshold 1m30s", "1m", "--threshold"]),
    (
      SettingsSources(flags: ["windows-ca-file": ["/ca"], "windows-skip-verify": ["true"]]), ["--windows-skip-verify", "--windows-ca-file"]
    ),
    (
      SettingsSources(flags: ["kubelet-ca-file": ["/ca"], "kubelet-skip-verify": ["true"]]), ["--kubelet-skip-verify", "--kubelet-ca-file"]
    ),
    (SettingsSources(flags: ["windows-collect": ["cpu&x=1"]]), ["--windows-collect", "\"cpu&x=1\"", "the name of a collector"]),
    (SettingsSources(flags: ["proxy-address": ["rollcall"]]), ["--proxy-address", "a host and a port"]),
    (SettingsSources(flags: ["listen": ["9750"]]), ["--listen", "0.0.0.0:9750"]),
    (SettingsSources(flags: ["listen": ["::1:9750"]]), ["--listen"]),
    (SettingsSources(flags: ["service-monitor-labels": ["release"]]), ["--service-monitor-labels", "key=value"]),
    (SettingsSources(flags: ["service-monitor-labels": ["a=b,c"]]), ["--service-monitor-labels", "\"a=b,c\""]),
    (SettingsSources(flags: ["open-paths": ["/metrics", "/probe"]]), ["--open-paths", "\"/probe\"", "/metrics, /sd, /livez, /readyz"]),
    (SettingsSources(flags: ["open-paths": ["none", "/sd"]]), ["--open-paths", "none alone"]),
    (SettingsSources(flags: ["listen-tls": ["off"], "listen-tls-dir": ["/tls"]]), ["--listen-tls off", "--listen-tls-dir"]),
    (SettingsSources(flags: ["listen-ca-secret": ["s"]]), ["--listen-ca-secret", "--listen-tls-dir"]),
    (
      SettingsSources(flags: ["authorization": ["off"], "scraper-token-secret": ["s"]]), ["--scraper-token-secret", "--authorization off"]
    ),
    (SettingsSources(flags: ["leader-election": ["maybe"]]), ["--leader-election", "on, off"]),
    (SettingsSources(flags: ["windows-path": ["metrics"]]), ["--windows-path", "slash"]),
    (SettingsSources(flags: ["namespace": ["Foo_Bar"]]), ["--namespace", "\"Foo_Bar\"", "lower-case"]),
    (SettingsSources(flags: ["namespace": ["a/../b"]]), ["--namespace"]),
    (SettingsSources(environment: ["ROLLCALL_NAMESPACE": "-a"]), ["ROLLCALL_NAMESPACE"]),
    (SettingsSources(flags: ["virtual-mode": ["pull"]]), ["--virtual-mode", "serve, push, both"]),
    (SettingsSources(flags: ["virtual-mode": ["push"]]), ["--virtual-mode push", "--remote-write-url", "--open-falcon-url"]),
    (SettingsSources(flags: ["remote-write-url": ["http://r/write"]]), ["--remote-write-url", "--virtual-mode serve"]),
    (
      SettingsSources(flags: ["remote-write-url": ["https://me:pw@r/write"]]),
      ["--remote-write-url", "headers file"]
    ),
    (SettingsSources(flags: ["remote-write-url": ["r:9090/write"]]), ["--remote-write-url", "http or https"]),
    (SettingsSources(flags: ["remote-write-url": ["https://:9090/write"]]), ["--remote-write-url"]),
    (SettingsSources(flags: ["remote-write-ca-file": ["/ca"]]), ["--remote-write-url", "not given"]),
    (
      SettingsSources(flags: ["virtual-mode": ["push"], "remote-write-url": ["http://r/write"], "remote-write-headers-file": ["/h"]]),
      ["--remote-write-headers-file", "plain http"]
    ),
    (
      SettingsSources(
        flags: [
          "virtual-mode": ["push"], "remote-write-url": ["https://r/write"], "remote-write-ca-file": ["/ca"],
          "remote-write-skip-verify": ["true"],
        ]), ["--remote-write-skip-verify", "--remote-write-ca-file"]
    ),
    (
      SettingsSources(
        flags: ["virtual-mode": ["push"], "remote-write-url": ["https://r/write"], "remote-write-key-file": ["/key"]]),
      ["--remote-write-key-file", "--remote-write-cert-file"]
    ),
    (SettingsSources(flags: ["remote-write-proxy-url": ["http://proxy"]]), ["--remote-write-url", "not given"]),
    (SettingsSources(flags: ["remote-write-proxy-url": ["ftp://proxy"]]), ["--remote-write-proxy-url", "socks5"]),
    (SettingsSources(flags: ["alertmanager-ca-file": ["/ca"]]), ["--alertmanager-url", "not given"]),
    (SettingsSources(flags: ["scraper-url": ["http://p"], "scrape-coverage": ["off"]]), ["--scraper-url", "--scrape-coverage off"]),
    (
      SettingsSources(flags: ["scraper-url": ["https://a", "http://b"], "scraper-headers-file": ["/h"]]),
      ["--scraper-headers-file", "plain http to http://b"]
    ),
    (
      SettingsSources(flags: ["alertmanager-url": ["https://a", "http://b"], "alertmanager-headers-file": ["/h"]]),
      ["--alertmanager-headers-file", "plain http to http://b"]
    ),
    (
      SettingsSources(
        flags: ["alertmanager-url": ["https://a"], "alertmanager-ca-file": ["/ca"], "alertmanager-skip-verify": ["true"]]),
      ["--alertmanager-skip-verify", "--alertmanager-ca-file"]
    ),
    (
      SettingsSources(flags: ["alertmanager-url": ["https://a"], "alertmanager-key-file": ["/key"]]),
      ["--alertmanager-key-file", "--alertmanager-cert-file"]
    ),
    (SettingsSources(flags: ["external-labels": ["cluster"]]), ["--external-labels", "name=value"]),
    (SettingsSources(flags: ["external-labels": ["__name__=x"]]), ["--external-labels"]),
    (SettingsSources(flags: ["push-spool-limit": ["2"]]), ["--push-spool-limit", "64MB"]),
    (SettingsSources(flags: ["push-memory": ["99999999999999GB"]]), ["--push-memory", "1KB to 1024GB"]),
    (SettingsSources(flags: ["log-level": ["loud"]]), ["--log-level", "trace, debug, info"]),
    (SettingsSources(flags: ["runbooks-url": ["https://wiki/#a"]]), ["--runbooks-url", "without a fragment"]),
  ]

  @Test(arguments: bad.indices) func `an error for an invalid value names the value, its location and what is accepted`(index: Int) throws {
    let (sources, parts) = Self.bad[index]
    let error = try #require(throws: SettingsError.self) { try sources.settings() }
    for part in parts { #expect("\(error)".contains(part)) }
  }

  @Test(arguments: ["alertmanager-url", "scraper-url", "remote-write-url", "remote-write-proxy-url", "open-falcon-url"])
  func `the error for a rejected URL does not reveal its password`(name: String) throws {
    let error = try #require(throws: SettingsError.self) {
      try SettingsSources(flags: [name: ["ftp://user:secret@host"]]).settings()
    }
    #expect(!"\(error)".contains("secret"))
  }

  @Test(
    arguments: ["http://127.0.0.1:9090/w", "http://localhost/w", "http://[::1]:9090/w", "https://receiver/w"])
  func `R26: headers may be sent over HTTPS, or over plain HTTP to localhost`(url: String) throws {
    let flags = ["virtual-mode": ["push"], "remote-write-url": [url], "remote-write-headers-file": ["/h"]]
    #expect(try SettingsSources(flags: flags).settings().remoteWriteHeadersFile == "/h")
  }

  @Test func `the controller's namespace defaults to that of its Pod`() throws {
    #expect(try SettingsSources(environment: ["POD_NAMESPACE": "mine"]).settings().namespace == "mine")
    #expect(try SettingsSources(flags: ["namespace": ["other"]], environment: ["POD_NAMESPACE": "mine"]).settings().namespace == "other")
  }

  @Test func `an empty file changes no setting`() throws {
    #expect(try SettingsSources(file: ("f", Array("# nothing\n".utf8))).settings() == ControllerSettings())
  }
}
