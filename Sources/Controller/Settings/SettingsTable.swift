internal import Collector
internal import Exposition
internal import Logging
internal import Primitives

/// Every setting, documented once. Flags, environment variables, keys of the configuration file, help and messages all come from here.
package enum SettingsTable {
  package static let all: [Setting] = judging + collecting + pushing + windows + publishing + placing

  private static let port = "a port"

  // MARK: How containers are judged

  private static let judging: [Setting] = [
    .duration("interval", \.interval, help: "How often each node's roll is called."),
    .duration("threshold", \.threshold, help: "A container whose last collection or scrape is older than this is a gap."),
    .duration(
      "grace", \.grace, allowsZero: true, help: "How long a container that has just started need not be collected."),
    .list(
      "virtual-nodes", \.virtualNodes, accepts: "a label selector such as type=virtual-kubelet or role in (a,b)",
      help: "Label selector of virtual nodes, whose pods are collected one by one. Can be given several times: any of them counts.",
      read: { LabelSelector($0) }, write: { "\($0)" }),
  ]

  // MARK: How they are collected

  private static let collecting: [Setting] = [
    .duration("deadline", \.deadline, help: "How long one call of a node or of a virtual node's pod may last."),
    .number("max-calls", \.maximumCalls, in: 1...100_000, what: "a number", help: "How many nodes are called at the same time."),
    .number(
      "kept-connections", \.keptConnections, in: 0...100_000, what: "a number",
      help: "Up to how many nodes the connections to agents are kept between calls; with more nodes each call makes its own."),
    .number("agent-metrics-port", \.agentMetricsPort, in: 1...65535, what: port, help: "Where rollcall-agent serves /metrics."),
    .scheme(
      "agent-metrics-scheme", \.agentMetricsScheme, help: "How rollcall-agent serves /metrics: https where it has --metrics-tls-dir."),
    .text(
      "agent-metrics-tls-secret", \.agentMetricsTLSSecret,
      help: "A Secret in our namespace with ca.crt, tls.crt and tls.key, by which the ServiceMonitor has agents scraped over https. "
        + "Without it: ca.crt of rollcall-tls, and no client certificate."),
    .number("agent-roll-port", \.agentRollPort, in: 1...65535, what: port, help: "Where rollcall-agent answers the roll."),
    .number("virtual-port", \.virtual.port, in: 1...65535, what: port, help: "The port of cAdvisor in the pods of virtual nodes."),
    .path("virtual-path", \.virtual.path, help: "The path of cAdvisor's metrics in the pods of virtual nodes."),
    .scheme("virtual-scheme", \.virtual.scheme, help: "How cAdvisor in the pods of virtual nodes is reached."),
    .choice(
      "virtual-from", \.virtualScope,
      help: "Who is asked about the pods of virtual nodes: pods (each at its own address) or node (which answers for all under ?nodeName=)."
    ),
    .text(
      "virtual-ca-file", \.virtualCAFile,
      help:
        "The certificate authorities of the pods of virtual nodes, or of the nodes that answer for them, over https, instead of the system's."
    ),
    .truth(
      "virtual-skip-verify", \.virtualSkipsVerification,
      help: "Do not check the certificates of the pods of virtual nodes, or of the nodes that answer for them."),
    .number(
      "virtual-transfers", \.virtualTransfers, in: 1...10_000, what: "a number",
      help: "How many pages of pods on virtual nodes are fetched at the same time."),
    .list(
      "virtual-keep", \.virtualKept, accepts: familyAccepted,
      help: "A family of cAdvisor's metrics to keep, or the beginning of such names with * behind it. Can be given several times.",
      read: { isFamilyPattern($0) ? $0 : nil }, write: { $0 }),
    .list(
      "virtual-drop", \.virtualDropped, accepts: familyAccepted,
      help: "A family to drop although --virtual-keep covers it. Can be given several times.",
      read: { isFamilyPattern($0) ? $0 : nil }, write: { $0 }),
    .choice(
      "virtual-timestamps", \.virtualTimestamps,
      help: "Whether samples of pods on virtual nodes keep the times that they carry: on or off."),
    .duration(
      "virtual-staleness", \.virtualStaleness,
      help: "Numbers of pods on virtual nodes that are older are not served, not pushed and not counted as collected."),
    .truth(
      "allow-loopback-targets", \.allowsLoopbackTargets,
      help: "Accept nodes and pods at loopback addresses. Only for tests and the demo: a pod could make us ask ourselves."),
  ]

  // MARK: What is pushed

  private static let pushing: [Setting] = [
    .choice(
      "virtual-mode", \.virtualMode,
      help:
        "What becomes of the pages of virtual nodes: serve (held, and served at /metrics/cadvisor), push (pushed as they arrive, not held) "
        + "or both (all is pushed, the basic families are served)."),
    .list(
      "virtual-basic", \.virtualBasic, accepts: familyAccepted,
      help:
        "A basic family: with --virtual-mode both only these are held and served, and only these go to Open-Falcon. Can be given several times.",
      read: { isFamilyPattern($0) ? $0 : nil }, write: { $0 }),
    .one(
      "remote-write-url", \.remoteWrite, accepts: PushURL.accepted,
      help: "Where the pages of virtual nodes are pushed by Prometheus remote write, with --virtual-mode push or both.",
      read: { PushURL($0).map { .some($0) } }, write: { $0?.text }),
    .text(
      "remote-write-headers-file", \.remoteWriteHeadersFile,
      help:
        "A file of headers for --remote-write-url, such as Authorization, one 'Name: value' a line. Sent over https or to loopback only, "
        + "read again at each use."),
    .text("remote-write-ca-file", \.remoteWriteCAFile, help: "The certificate authorities of --remote-write-url, instead of the system's."),
    .text("remote-write-cert-file", \.remoteWriteCertificateFile, help: "Our client certificate for --remote-write-url."),
    .text(
      "remote-write-key-file", \.remoteWriteKeyFile, help: "The key of --remote-write-cert-file, where it is not in the same file."),
    .truth("remote-write-skip-verify", \.remoteWriteSkipsVerification, help: "Do not check the certificate of --remote-write-url."),
    .one(
      "open-falcon-url", \.openFalcon, accepts: PushURL.accepted,
      help:
        "Where the socket numbers of Linux pods are pushed, and the basic families of virtual nodes with --virtual-mode push or both: an "
        + "Open-Falcon agent, such as http://falcon-agent:1988/v1/push.",
      read: { PushURL($0).map { .some($0) } }, write: { $0?.text }),
    Setting(
      name: "external-labels", shape: .list,
      help: "A label name=value that all pushed samples get which have none of that name. Can be given several times.",
      accepts: "name=value, the name of letters, digits and underscores"
    ) { texts, settings in
      var labels: [String: String] = [:]
      for text in texts {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, isMetricName(parts[0]), !parts[0].contains(":"), parts[0] != "__name__", !parts[1].isEmpty else {
          return text
        }
        labels[parts[0]] = parts[1]
      }
      settings.externalLabels = labels
      return nil
    } show: { settings in
      settings.externalLabels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    },
    .duration("push-timeout", \.pushTimeout, help: "How long one push may last, from connecting to the answer."),
    .number(
      "push-shards", \.pushShards, in: 1...64, what: "a number",
      help: "How many pushes may be under way at once. All samples of a pod go through one of them, in order."),
    .number(
      "push-samples-per-send", \.pushSamplesPerSend, in: 1...100_000, what: "a number", help: "With how many samples a push is full."),
    .duration("push-send-deadline", \.pushSendDeadline, help: "How long samples wait for a push to become full."),
    .size("push-memory", \.pushMemory, help: "How much may wait in memory for a receiver."),
    .text(
      "push-spool-dir", \.pushSpoolFolder,
      help:
        "A folder for what memory has no room for while a receiver is down, and over a restart. Without it the oldest goes, and is counted."
    ),
    .size("push-spool-limit", \.pushSpoolLimit, help: "How much may wait on disk for a receiver; past it the oldest goes, and is counted."),
  ]

  // MARK: How Windows nodes are read and handed on

  private static let windows: [Setting] = [
    .number("windows-port", \.windows.port, in: 1...65535, what: port, help: "The port of windows_exporter."),
    .path("windows-path", \.windows.path, help: "The path of windows_exporter's metrics."),
    .scheme("windows-scheme", \.windows.scheme, help: "How windows_exporter is reached."),
    .list(
      "windows-collect", \.windowsCollectors, accepts: "the name of a collector, such as container or cpu",
      help: "A collector that a scrape through /probe asks for (collect[]). Can be given several times; without it all that are enabled.",
      read: { ExporterEndpoint.isCollector($0) ? $0 : nil }, write: { $0 }),
    .choice(
      "windows-source", \.windowsSource,
      help:
        "Where the numbers of Windows containers come from: exporter (windows_exporter), summary (the kubelet's /stats/summary), or auto "
        + "(the exporter, and the summary of nodes whose exporter cannot be connected to)."),
    .choice(
      "windows-pages", \.windowsPages,
      help:
        "What /probe does with an exporter's page: relabel adds the node and the names of containers, pass-through hands it on as it is."),
    .choice(
      "windows-targets", \.windowsTargets,
      help: "What Prometheus is told to scrape for a Windows node: proxy (our /probe) or exporter (windows_exporter itself)."),
    .text("windows-ca-file", \.windowsCAFile, help: "The certificate authorities of windows_exporter over https, instead of the system's."),
    .text("windows-cert-file", \.windowsCertificateFile, help: "Our client certificate for windows_exporter over https."),
    .text("windows-key-file", \.windowsKeyFile, help: "The key of --windows-cert-file, where it is not in the same file."),
    .truth("windows-skip-verify", \.windowsSkipsVerification, help: "Do not check the certificate of windows_exporter."),
    .text(
      "windows-headers-file", \.windowsHeadersFile,
      help:
        "A file of headers for windows_exporter, such as Authorization, one 'Name: value' a line. Sent over https only, read again at each use."
    ),
    .choice(
      "kubelet-access", \.kubeletAccess, help: "How a kubelet's /stats/summary is read: proxy (through the API server) or direct."),
    .text("kubelet-ca-file", \.kubeletCAFile, help: "The certificate authorities of kubelets that are read directly."),
    .text(
      "kubelet-token-file", \.kubeletTokenFile,
      help: "A bearer token for kubelets that are read directly and for virtual nodes that answer for their pods, sent over https only."),
    .truth("kubelet-skip-verify", \.kubeletSkipsVerification, help: "Do not check the certificates of kubelets that are read directly."),
    .number("max-probes", \.maximumProbes, in: 1...100_000, what: "a number", help: "How many scrapes go through us at the same time."),
  ]

  // MARK: What Prometheus, Alertmanager and the cluster get

  private static let publishing: [Setting] = [
    .list(
      "alertmanager-url", \.alertmanagers, accepts: "an http or https URL such as http://alertmanager:9093",
      help: "An Alertmanager that open gaps are sent to. Can be given several times; each is sent everything.",
      read: { try? AlertmanagerURL($0) }, write: { "\($0)" }),
    .choice(
      "service-monitors", \.serviceMonitors,
      help: "Whether ServiceMonitors for the Prometheus Operator are written: on, off, or auto, which is on if the cluster has them."),
    .one(
      "proxy-address", \.proxyAddress, accepts: "a host and a port such as rollcall-controller.rollcall.svc:9750",
      help: "Where Prometheus reaches our /probe. Without it: our Service, and for HTTP service discovery the address that was asked.",
      read: { isAuthority($0) ? .some($0) : nil }, write: { $0 }),
    Setting(
      name: "service-monitor-labels", shape: .list,
      help: "A label key=value for the objects that Prometheus finds targets by, such as release=kube-prometheus-stack. "
        + "Can be given several times.",
      accepts: "key=value"
    ) { texts, settings in
      var labels: [String: String] = [:]
      for text in texts {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        // A selector for one value accepts what a label can be.
        guard parts.count == 2, !parts[0].isEmpty, LabelSelector("\(parts[0]) in (\(parts[1]))") != nil else { return text }
        labels[parts[0]] = parts[1]
      }
      settings.serviceMonitorLabels = labels
      return nil
    } show: { settings in
      settings.serviceMonitorLabels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    },
    .number(
      "service-monitor-sample-limit", \.serviceMonitorSampleLimit, in: 1...1_000_000_000, what: "a number",
      help: "ServiceMonitors tell Prometheus to drop a scrape with more samples. A virtual node has about 175 for each pod."),
    .size(
      "service-monitor-body-limit", \.serviceMonitorBodyLimit,
      help: "ServiceMonitors tell Prometheus to drop a scrape with more bytes, decompressed."),
    .choice("events", \.events, help: "Whether gaps are told of by Events on their Pods and Nodes: on or off."),
  ]

  // MARK: Where we are

  private static let placing: [Setting] = [
    .one(
      "listen", \.listen, accepts: "an address and a port such as 0.0.0.0:9750, [::]:9750 or :9750",
      help: "Where the status page, metrics, service discovery and the API are served.", read: { ListenAddress($0) }, write: { "\($0)" }),
    .one(
      "own-address", \.ownAddress, accepts: "an IP address",
      help: "Our own IP address, where Prometheus finds the pages of virtual nodes. Without it: POD_IP, then --listen's if it is one.",
      read: { IPAddress($0) == nil ? nil : .some($0) }, write: { $0 }),
    .text("kubeconfig", \.kubeconfig, help: "A kubeconfig file. Without one: KUBECONFIG, ~/.kube/config, then the pod's service account."),
    .text("context", \.context, help: "The context of the kubeconfig; without it the current one."),
    .one(
      "namespace", \.namespace, accepts: "the name of a namespace: lower-case letters, digits and hyphens, at most 63",
      help:
        "Our own namespace, for the objects that we write. Without it: POD_NAMESPACE, then the one of the context or the service account.",
      read: { isNamespaceName($0) ? .some($0) : nil }, write: { $0 }),
    .choice("leader-election", \.leaderElection, help: "Whether several replicas elect one that calls, writes and alerts: on or off."),
    .text(
      "identity", \.identity,
      help: "Our name in the election, other than every other replica's. Without it: POD_NAME, or the machine's name and a random number."
    ),
    .choice("log-level", \.logLevel, help: "The least important messages that are logged."),
  ]

  private static let familyAccepted = "the name of a metric, or the beginning of one with * behind it, such as container_fs_*"

  private static func isFamilyPattern(_ text: String) -> Bool {
    text == "*" || isMetricName(text.hasSuffix("*") ? String(text.dropLast()) : text)
  }

  /// A label of RFC 1123, as namespaces are named. Another name would be a 404 of every write, and a slash in it another path.
  private static func isNamespaceName(_ text: String) -> Bool {
    let accepted = Set("abcdefghijklmnopqrstuvwxyz0123456789-".utf8)
    return (1...63).contains(text.utf8.count) && text.utf8.allSatisfy(accepted.contains) && !text.hasPrefix("-") && !text.hasSuffix("-")
  }
}

extension Setting {
  fileprivate static func path(_ name: String, _ path: any Path<String>, help: String) -> Setting {
    one(
      name, path, accepts: "a path that begins with a slash and has no spaces, ? or #", help: help,
      read: { isURLPath($0) ? $0 : nil }, write: { $0 })
  }

  fileprivate static func scheme(_ name: String, _ path: any Path<String>, help: String) -> Setting {
    one(name, path, accepts: "http or https", help: help, read: { ["http", "https"].contains($0) ? $0 : nil }, write: { $0 })
  }
}
