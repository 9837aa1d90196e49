internal import ArgumentParser
internal import Controller

/// The flags of `rollcall controller`, one for each row of `SettingsTable`, with its name and help. They carry text only; the table parses
/// it, so that flags, variables and the file have the same rules and errors.
struct SettingsFlags: ParsableArguments {
  @Option(help: .of("interval")) var interval: String?
  @Option(help: .of("threshold")) var threshold: String?
  @Option(help: .of("grace")) var grace: String?
  @Option(help: .of("virtual-nodes")) var virtualNodes: [String] = []
  @Option(help: .of("ignore-nodes")) var ignoreNodes: [String] = []
  @Option(help: .of("ignore-namespaces")) var ignoreNamespaces: [String] = []
  @Option(help: .of("sandboxed-runtime-classes")) var sandboxedRuntimeClasses: [String] = []
  @Option(help: .of("scrapers")) var scrapers: [String] = []
  @Option(help: .of("container-metrics")) var containerMetrics: String?
  @Option(help: .of("deadline")) var deadline: String?
  @Option(help: .of("max-calls")) var maxCalls: String?
  @Option(help: .of("kept-connections")) var keptConnections: String?
  @Option(help: .of("agent-metrics-port")) var agentMetricsPort: String?
  @Option(help: .of("agent-metrics-scheme")) var agentMetricsScheme: String?
  @Option(help: .of("agent-metrics-tls-secret")) var agentMetricsTlsSecret: String?
  @Option(help: .of("agent-roll-port")) var agentRollPort: String?
  @Option(help: .of("windows-port")) var windowsPort: String?
  @Option(help: .of("windows-path")) var windowsPath: String?
  @Option(help: .of("windows-scheme")) var windowsScheme: String?
  @Option(help: .of("windows-collect")) var windowsCollect: [String] = []
  @Option(help: .of("windows-source")) var windowsSource: String?
  @Option(help: .of("windows-pages")) var windowsPages: String?
  @Option(help: .of("windows-targets")) var windowsTargets: String?
  @Option(help: .of("windows-ca-file")) var windowsCaFile: String?
  @Option(help: .of("windows-cert-file")) var windowsCertFile: String?
  @Option(help: .of("windows-key-file")) var windowsKeyFile: String?
  @Flag(help: .of("windows-skip-verify")) var windowsSkipVerify = false
  @Option(help: .of("windows-headers-file")) var windowsHeadersFile: String?
  @Option(help: .of("kubelet-access")) var kubeletAccess: String?
  @Option(help: .of("kubelet-ca-file")) var kubeletCaFile: String?
  @Option(help: .of("kubelet-token-file")) var kubeletTokenFile: String?
  @Flag(help: .of("kubelet-skip-verify")) var kubeletSkipVerify = false
  @Option(help: .of("label-limit")) var labelLimit: String?
  @Option(help: .of("label-length-limit")) var labelLengthLimit: String?
  @Option(help: .of("max-probes")) var maxProbes: String?
  @Flag(help: .of("probe-linux")) var probeLinux = false
  @Option(help: .of("proxy-address")) var proxyAddress: String?
  @Option(help: .of("virtual-port")) var virtualPort: String?
  @Option(help: .of("virtual-path")) var virtualPath: String?
  @Option(help: .of("virtual-scheme")) var virtualScheme: String?
  @Option(help: .of("virtual-from")) var virtualFrom: String?
  @Option(help: .of("virtual-ca-file")) var virtualCaFile: String?
  @Flag(help: .of("virtual-skip-verify")) var virtualSkipVerify = false
  @Option(help: .of("virtual-transfers")) var virtualTransfers: String?
  @Option(help: .of("virtual-keep")) var virtualKeep: [String] = []
  @Option(help: .of("virtual-drop")) var virtualDrop: [String] = []
  @Option(help: .of("virtual-timestamps")) var virtualTimestamps: String?
  @Option(help: .of("virtual-staleness")) var virtualStaleness: String?
  @Flag(help: .of("allow-loopback-targets")) var allowLoopbackTargets = false
  @Option(help: .of("annotation-addresses")) var annotationAddresses: [String] = []
  @Option(help: .of("annotation-ports")) var annotationPorts: [String] = []
  @Option(help: .of("virtual-mode")) var virtualMode: String?
  @Option(help: .of("virtual-basic")) var virtualBasic: [String] = []
  @Option(help: .of("remote-write-url")) var remoteWriteUrl: String?
  @Option(help: .of("remote-write-version")) var remoteWriteVersion: String?
  @Option(help: .of("remote-write-headers-file")) var remoteWriteHeadersFile: String?
  @Option(help: .of("remote-write-ca-file")) var remoteWriteCaFile: String?
  @Option(help: .of("remote-write-cert-file")) var remoteWriteCertFile: String?
  @Option(help: .of("remote-write-key-file")) var remoteWriteKeyFile: String?
  @Flag(help: .of("remote-write-skip-verify")) var remoteWriteSkipVerify = false
  @Option(help: .of("remote-write-proxy-url")) var remoteWriteProxyUrl: String?
  @Option(help: .of("open-falcon-url")) var openFalconUrl: String?
  @Option(help: .of("open-falcon-tags")) var openFalconTags: [String] = []
  @Option(help: .of("external-labels")) var externalLabels: [String] = []
  @Option(help: .of("push-timeout")) var pushTimeout: String?
  @Option(help: .of("push-shards")) var pushShards: String?
  @Option(help: .of("push-samples-per-send")) var pushSamplesPerSend: String?
  @Option(help: .of("push-send-deadline")) var pushSendDeadline: String?
  @Option(help: .of("push-memory")) var pushMemory: String?
  @Option(help: .of("push-spool-dir")) var pushSpoolDir: String?
  @Option(help: .of("push-spool-limit")) var pushSpoolLimit: String?
  @Option(help: .of("alertmanager-url")) var alertmanagerUrl: [String] = []
  @Option(help: .of("alertmanager-headers-file")) var alertmanagerHeadersFile: String?
  @Option(help: .of("alertmanager-ca-file")) var alertmanagerCaFile: String?
  @Option(help: .of("alertmanager-cert-file")) var alertmanagerCertFile: String?
  @Option(help: .of("alertmanager-key-file")) var alertmanagerKeyFile: String?
  @Flag(help: .of("alertmanager-skip-verify")) var alertmanagerSkipVerify = false
  @Option(help: .of("runbooks-url")) var runbooksUrl: String?
  @Option(help: .of("scrape-coverage")) var scrapeCoverage: String?
  @Option(help: .of("scraper-url")) var scraperUrl: [String] = []
  @Option(help: .of("scraper-headers-file")) var scraperHeadersFile: String?
  @Option(help: .of("scraper-ca-file")) var scraperCaFile: String?
  @Option(help: .of("scraper-cert-file")) var scraperCertFile: String?
  @Option(help: .of("scraper-key-file")) var scraperKeyFile: String?
  @Flag(help: .of("scraper-skip-verify")) var scraperSkipVerify = false
  @Option(help: .of("service-monitors")) var serviceMonitors: String?
  @Option(help: .of("service-monitor-labels")) var serviceMonitorLabels: [String] = []
  @Option(help: .of("service-monitor-sample-limit")) var serviceMonitorSampleLimit: String?
  @Option(help: .of("service-monitor-body-limit")) var serviceMonitorBodyLimit: String?
  @Option(help: .of("events")) var events: String?
  @Option(help: .of("rules-without-data")) var rulesWithoutData: String?
  @Option(help: .of("listen")) var listen: String?
  @Option(help: .of("authorization")) var authorization: String?
  @Option(help: .of("open-paths")) var openPaths: [String] = []
  @Option(help: .of("trust-loopback")) var trustLoopback: String?
  @Option(help: .of("listen-tls")) var listenTls: String?
  @Option(help: .of("listen-tls-dir")) var listenTlsDir: String?
  @Option(help: .of("listen-ca-secret")) var listenCaSecret: String?
  @Option(help: .of("scraper-token-secret")) var scraperTokenSecret: String?
  @Option(help: .of("own-address")) var ownAddress: String?
  @Option(help: .of("kubeconfig")) var kubeconfig: String?
  @Option(help: .of("context")) var context: String?
  @Option(help: .of("namespace")) var namespace: String?
  @Option(help: .of("agent-namespace")) var agentNamespace: String?
  @Option(help: .of("leader-election")) var leaderElection: String?
  @Option(help: .of("identity")) var identity: String?
  @Option(help: .of("shards")) var shards: String?
  @Option(help: .of("shard")) var shard: String?
  @Option(help: .of("log-level")) var logLevel: String?
  @Option(help: .of("log-format")) var logFormat: String?

  /// The values of the flags, by the name of the setting.
  var values: [String: [String]] {
    var texts: [String: [String]] = [:]
    for child in Mirror(reflecting: self).children {
      // A property wrapper is stored under the name of its property with an underscore; the property has the name of the key in the file.
      guard let key = child.label?.dropFirst() else { continue }
      switch child.value {
      case let option as Option<String?>: texts[String(key)] = option.wrappedValue.map { [$0] } ?? []
      case let option as Option<[String]>: texts[String(key)] = option.wrappedValue
      case let flag as Flag<Bool>: texts[String(key)] = flag.wrappedValue ? ["true"] : []
      default: continue
      }
    }
    assert(Set(texts.keys) == Set(SettingsTable.all.map(\.key)), "a setting without a flag, or a flag without a setting")
    return Dictionary(uniqueKeysWithValues: SettingsTable.all.map { ($0.name, texts[$0.key] ?? []) })
  }
}

extension ArgumentHelp {
  /// By the name of the setting. Made once, because ArgumentParser creates the flags several times in each run.
  private static let helps = Dictionary(uniqueKeysWithValues: SettingsTable.all.map { ($0.name, ArgumentHelp(stringLiteral: $0.fullHelp)) })

  fileprivate static func of(_ setting: String) -> ArgumentHelp { helps[setting] ?? "" }
}
