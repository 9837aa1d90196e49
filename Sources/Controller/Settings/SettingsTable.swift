internal import Collector
internal import Exposition
internal import KubeClient
internal import LogLines
internal import Logging
internal import Primitives
internal import Push
internal import Roll

/// Every setting. Flags, environment variables, file keys, help and error messages are derived from this table, which is one file because its
/// order is that of the help and of docs/configuration.md.
package enum SettingsTable {
  package static let all: [Setting] = gaps + collection + push + windows + publication + process

  private static let port = "a port"

  // MARK: Gaps

  private static let gaps: [Setting] = [
    .duration("interval", \.interval, help: "How often each node's roll is called."),
    .duration("threshold", \.threshold, help: "Maximum age of a container's last collection or scrape before it is a gap."),
    .duration(
      "grace", \.grace, allowsZero: true, help: "How long a newly started container need not be collected."),
    .selectors(
      "virtual-nodes", \.virtualNodes,
      help:
        "Label selector of virtual nodes, whose pods are collected one by one. Can be repeated; a node that matches any selector is virtual."
    ),
    .selectors(
      "ignore-nodes", \.ignoredNodes,
      help: "Label selector of nodes that are ignored: not called, not scraped, and their containers exempt. Can be repeated."),
    .selectors(
      "ignore-namespaces", \.ignoredNamespaces, help: "Label selector of namespaces whose containers are exempt. Can be repeated."),
    .selectors(
      "sandboxed-runtime-classes", \.sandboxedRuntimeClasses,
      help:
        "Label selector of RuntimeClasses whose containers are exempt because nodes do not see their processes, in addition to those with "
        + "the handler runsc or gvisor or one that begins with kata. Can be repeated."),
    Setting(
      name: "scrapers", shape: .list,
      help:
        "Whose requests for metrics count as scrapes: common (Prometheus, its relatives, and agents that scrape like it), none (nothing is "
        + "scraped by design, so no gap is unscraped), or the beginning of a User-Agent such as Prometheus/. Can be repeated.",
      accepts: "common, none, or the beginning of a User-Agent such as Prometheus/; common and none only alone"
    ) { texts, settings in
      switch texts {
      case ["common"]: settings.scrapers = .common
      case ["none"]: settings.scrapers = .none
      default:
        if let wrong = texts.first(where: { $0.isEmpty || ["common", "none"].contains($0) }) { return wrong }
        settings.scrapers = .named(texts)
      }
      return nil
    } show: { settings in
      switch settings.scrapers {
      case .common: ["common"]
      case .none: ["none"]
      case .named(let agents): agents
      }
    },
    .choice(
      "container-metrics", \.containerMetrics,
      help:
        "Which containers have series of their own in /metrics: gaps (those with a gap; the others are counted by node and workload) or all "
        + "(two more series for each container that is due)."),
  ]

  // MARK: Collection

  private static let collection: [Setting] = [
    .duration("deadline", \.deadline, help: "Timeout for one call of a node, or of a pod on a virtual node."),
    .number("max-calls", \.maximumCalls, in: 1...100_000, what: "a number", help: "Maximum number of nodes called concurrently."),
    .number(
      "kept-connections", \.keptConnections, in: 0...100_000, what: "a number",
      help:
        "Maximum number of nodes for which connections to agents are kept open between calls. With more nodes, every call opens a new one."),
    .number(
      "label-limit", \.labelLimit, in: 1...10_000, what: "a number",
      help: "Maximum number of labels of a series in the response of an exporter or of a pod on a virtual node."),
    .number(
      "label-length-limit", \.labelLengthLimit, in: 64...1_000_000, what: "a number",
      help: "Maximum length in bytes of a label name or value in the response of an exporter or of a pod on a virtual node."),
    .number("agent-metrics-port", \.agentMetricsPort, in: 1...65535, what: port, help: "Port on which rollcall-agent serves /metrics."),
    .scheme(
      "agent-metrics-scheme", \.agentMetricsScheme, help: "Scheme of rollcall-agent's /metrics: https if the agent has --metrics-tls-dir."),
    .text(
      "agent-metrics-tls-secret", \.agentMetricsTLSSecret,
      help: "Secret in our namespace with ca.crt, tls.crt and tls.key that the ServiceMonitor uses to scrape agents over https. "
        + "If unset: ca.crt of rollcall-tls and no client certificate."),
    .number("agent-roll-port", \.agentRollPort, in: 1...65535, what: port, help: "Port on which rollcall-agent answers the roll."),
    .number("virtual-port", \.virtual.port, in: 1...65535, what: port, help: "Port of cAdvisor in the pods of virtual nodes."),
    .path("virtual-path", \.virtual.path, help: "Path of cAdvisor's metrics in the pods of virtual nodes."),
    .scheme("virtual-scheme", \.virtual.scheme, help: "Scheme of cAdvisor in the pods of virtual nodes."),
    .choice(
      "virtual-from", \.virtualScope,
      help:
        "Where the pods of virtual nodes are scraped: pods (each at its own address) or node (all at the node's address, with ?nodeName=)."
    ),
    .text(
      "virtual-ca-file", \.virtualCAFile,
      help:
        "CA file to verify the pods of virtual nodes, or the nodes if --virtual-from is node, instead of the system's CAs."
    ),
    .truth(
      "virtual-skip-verify", \.virtualSkipsVerification,
      help: "Do not verify the certificates of the pods of virtual nodes, or of the nodes if --virtual-from is node."),
    .number(
      "virtual-transfers", \.virtualTransfers, in: 1...10_000, what: "a number",
      help: "Maximum number of pods on virtual nodes scraped concurrently."),
    .list(
      "virtual-keep", \.virtualKept, accepts: familyAccepted,
      help: "cAdvisor metric family to keep, or a name prefix followed by *. Can be repeated.",
      read: { isFamilyPattern($0) ? $0 : nil }, write: { $0 }),
    .list(
      "virtual-drop", \.virtualDropped, accepts: familyAccepted,
      help: "Metric family to drop even if --virtual-keep matches it, or a name prefix followed by *. Can be repeated.",
      read: { isFamilyPattern($0) ? $0 : nil }, write: { $0 }),
    .choice(
      "virtual-timestamps", \.virtualTimestamps,
      help: "Whether samples of pods on virtual nodes keep their timestamps: on or off."),
    .duration(
      "virtual-staleness", \.virtualStaleness,
      help: "Maximum age of the metrics of pods on virtual nodes. Older ones are not served, not pushed and not counted as collected."),
    .truth(
      "allow-loopback-targets", \.allowsLoopbackTargets,
      help: "Accept nodes and pods with loopback addresses. For tests and the demo only: a pod could make the controller call itself."),
    .list(
      "annotation-addresses", \.annotationAddresses, accepts: "an IP address, a block such as 10.4.0.0/16, or a DNS name",
      help:
        "Address that rollcall.dev/address may name on every Node, besides the addresses in the Node's status: an IP address, a block, or a "
        + "DNS name. Can be repeated.",
      read: { AnnotationLimits.isAddress($0) ? $0 : nil }, write: { $0 }),
    .list(
      "annotation-ports", \.annotationPorts, accepts: "a port from 1 to 65535",
      help: "Port that labels and annotations of Nodes may name, besides --windows-port and --virtual-port. Can be repeated.",
      read: { Int($0).flatMap { (1...65535).contains($0) ? $0 : nil } }, write: { "\($0)" }),
  ]

  // MARK: Push

  private static let push: [Setting] = [
    .choice(
      "virtual-mode", \.virtualMode,
      help:
        "How the metrics of virtual nodes are delivered: serve (cached and served at /metrics/cadvisor), push (pushed as they arrive, not "
        + "cached) or both (all families pushed, the basic ones also served)."),
    .list(
      "virtual-basic", \.virtualBasic, accepts: familyAccepted,
      help:
        "Basic metric family, or a name prefix followed by *. With --virtual-mode both only these are served, and only these are pushed to "
        + "Open-Falcon. Can be repeated.",
      read: { isFamilyPattern($0) ? $0 : nil }, write: { $0 }),
    .one(
      "remote-write-url", \.remoteWrite, accepts: PushURL.accepted,
      help: "Prometheus remote-write receiver for the metrics of virtual nodes, with --virtual-mode push or both.",
      read: { PushURL($0).map { .some($0) } }, write: { $0?.text }),
    .choice(
      "remote-write-version", \.remoteWriteVersion,
      help:
        "Version of remote write: 1.0, or 2.0, whose requests are less than half as large. A receiver that does not know 2.0 is sent 1.0."),
    .text(
      "remote-write-headers-file", \.remoteWriteHeadersFile,
      help:
        "File with request headers for --remote-write-url, such as Authorization, one 'Name: value' per line. Sent only over https or to "
        + "loopback addresses. Reread on each use."),
    .text("remote-write-ca-file", \.remoteWriteCAFile, help: "CA file to verify --remote-write-url, instead of the system's CAs."),
    .text("remote-write-cert-file", \.remoteWriteCertificateFile, help: "Client certificate for --remote-write-url."),
    .text(
      "remote-write-key-file", \.remoteWriteKeyFile, help: "Private key of --remote-write-cert-file, if it is not in the same file."),
    .truth("remote-write-skip-verify", \.remoteWriteSkipsVerification, help: "Do not verify the certificate of --remote-write-url."),
    .one(
      "remote-write-proxy-url", \.remoteWriteProxy,
      accepts:
        "a URL such as http://proxy.example:3128 with the scheme http, https or socks5 and without a password, which others could read",
      help: "Proxy for --remote-write-url. If unset: HTTPS_PROXY, HTTP_PROXY and NO_PROXY, which may have a user and a password.",
      read: { text in text.contains("@") ? nil : ProxyServer(url: text).map { .some($0) } }, write: { $0?.description }),
    .one(
      "open-falcon-url", \.openFalcon, accepts: PushURL.accepted,
      help:
        "Open-Falcon agent for the socket metrics of Linux pods and, with --virtual-mode push or both, the basic families of virtual nodes, "
        + "such as http://falcon-agent:1988/v1/push.",
      read: { PushURL($0).map { .some($0) } }, write: { $0?.text }),
    .list(
      "open-falcon-tags", \.openFalconTags, accepts: "a label name of letters, digits and underscores",
      help:
        "Label that becomes a tag of Open-Falcon items; the others are not sent. Metric and tags together may have 255 bytes. Can be repeated.",
      read: { isMetricName($0) && !$0.contains(":") ? $0 : nil }, write: { $0 }),
    Setting(
      name: "external-labels", shape: .list,
      help: "Label name=value added to all pushed samples and to alerts that have no label of that name. Can be repeated.",
      accepts: "name=value with a name of letters, digits and underscores"
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
    .duration("push-timeout", \.pushTimeout, help: "Timeout for one push request, including connecting."),
    .number(
      "push-shards", \.pushShards, in: 1...64, what: "a number",
      help: "Number of concurrent push requests. All samples of a pod go through the same shard, in order."),
    .number(
      "push-samples-per-send", \.pushSamplesPerSend, in: 1...100_000, what: "a number", help: "Maximum number of samples per push request."),
    .duration("push-send-deadline", \.pushSendDeadline, help: "How long samples wait for a push request to fill up."),
    .size("push-memory", \.pushMemory, help: "Maximum memory for samples waiting for one receiver."),
    .text(
      "push-spool-dir", \.pushSpoolFolder,
      help:
        "Directory for samples that exceed --push-memory while a receiver is down, and across restarts. If unset, the oldest are dropped and "
        + "counted."
    ),
    .size(
      "push-spool-limit", \.pushSpoolLimit,
      help: "Maximum disk space for samples waiting for one receiver; beyond it the oldest are dropped and counted."),
  ]

  // MARK: Windows nodes and the relay

  private static let windows: [Setting] = [
    .number("windows-port", \.windows.port, in: 1...65535, what: port, help: "Port of windows_exporter."),
    .path("windows-path", \.windows.path, help: "Path of windows_exporter's metrics."),
    .scheme("windows-scheme", \.windows.scheme, help: "Scheme of windows_exporter."),
    .list(
      "windows-collect", \.windowsCollectors, accepts: "the name of a collector, such as container or cpu",
      help: "Collector requested by scrapes through /probe (collect[]). Can be repeated. If unset: all enabled collectors.",
      read: { ExporterEndpoint.isCollector($0) ? $0 : nil }, write: { $0 }),
    .choice(
      "windows-source", \.windowsSource,
      help:
        "Source of the metrics of Windows containers: exporter (windows_exporter), summary (the kubelet's /stats/summary) or auto (the exporter, "
        + "or the summary if the exporter is unreachable)."),
    .choice(
      "windows-pages", \.windowsPages,
      help:
        "How /probe relays an exporter's metrics: relabel adds the node and the names of containers, pass-through relays them unchanged."),
    .choice(
      "windows-targets", \.windowsTargets,
      help: "Scrape target for a Windows node: proxy (/probe of the controller) or exporter (windows_exporter itself)."),
    .text("windows-ca-file", \.windowsCAFile, help: "CA file to verify windows_exporter, instead of the system's CAs."),
    .text("windows-cert-file", \.windowsCertificateFile, help: "Client certificate for windows_exporter."),
    .text("windows-key-file", \.windowsKeyFile, help: "Private key of --windows-cert-file, if it is not in the same file."),
    .truth("windows-skip-verify", \.windowsSkipsVerification, help: "Do not verify the certificate of windows_exporter."),
    .text(
      "windows-headers-file", \.windowsHeadersFile,
      help:
        "File with request headers for windows_exporter, such as Authorization, one 'Name: value' per line. Sent only over https. Reread on each "
        + "use."
    ),
    .choice(
      "kubelet-access", \.kubeletAccess, help: "How a kubelet's /stats/summary is read: proxy (through the API server) or direct."),
    .text("kubelet-ca-file", \.kubeletCAFile, help: "CA file to verify kubelets with --kubelet-access direct."),
    .text(
      "kubelet-token-file", \.kubeletTokenFile,
      help:
        "File with a bearer token for kubelets with --kubelet-access direct and for virtual nodes with --virtual-from node. Sent only over https."
    ),
    .truth(
      "kubelet-skip-verify", \.kubeletSkipsVerification, help: "Do not verify the certificates of kubelets with --kubelet-access direct."),
    .number(
      "max-probes", \.maximumProbes, in: 1...100_000, what: "a number",
      help: "Maximum number of concurrent scrapes through /probe and /proxy."),
    .truth("probe-linux", \.probesLinux, help: "Let /probe serve the kubelet's /stats/summary of Linux nodes as well."),
  ]

  // MARK: Alerts, targets and Events

  private static let publication: [Setting] = [
    .list(
      "alertmanager-url", \.alertmanagers, accepts: "an http or https URL such as http://alertmanager:9093",
      help:
        "Alertmanager to which open gaps are sent. Can be repeated. Each receives all alerts, and so does each address of a name, such as a "
        + "headless Service of a cluster of Alertmanagers.",
      read: { try? AlertmanagerURL($0) }, write: { "\($0)" }),
    .text(
      "alertmanager-headers-file", \.alertmanagerHeadersFile,
      help:
        "File with request headers for Alertmanagers, such as Authorization, one 'Name: value' per line. Sent only over https or to loopback "
        + "addresses. Reread on each use."),
    .text("alertmanager-ca-file", \.alertmanagerCAFile, help: "CA file to verify Alertmanagers, instead of the system's CAs."),
    .text("alertmanager-cert-file", \.alertmanagerCertificateFile, help: "Client certificate for Alertmanagers."),
    .text(
      "alertmanager-key-file", \.alertmanagerKeyFile, help: "Private key of --alertmanager-cert-file, if it is not in the same file."),
    .truth("alertmanager-skip-verify", \.alertmanagerSkipsVerification, help: "Do not verify the certificates of Alertmanagers."),
    .one(
      "runbooks-url", \.runbooks, accepts: "an http or https URL without a fragment, such as https://wiki.example/rollcall",
      help:
        "Where docs/runbooks.md can be read: alerts, explanations and the status page link to its sections, such as #agentunreachable.",
      read: { Runbooks($0) }, write: { "\($0)" }),
    .one(
      "scrape-coverage", \.scrapeCoverage, accepts: "one of \(ScrapeCoverageMode.allCases.map(\.rawValue).joined(separator: ", "))",
      help:
        "Which containers must be scraped by some Prometheus: off, monitored (what a monitor or an annotation asks for) or all (also ports "
        + "named metrics or *-metrics). If unset: monitored where the cluster has the CRDs of monitors, else off.",
      read: { ScrapeCoverageMode(rawValue: $0).map { .some($0) } }, write: { $0?.rawValue }),
    .list(
      "scraper-url", \.scraperURLs, accepts: "an http or https URL such as http://prometheus.monitoring:9090",
      help:
        "Prometheus, agent, vmagent or Thanos Query that is asked for its targets, with its path prefix. Can be repeated. Asked instead of the "
        + "pods of Prometheus and PrometheusAgent objects.",
      read: { ScraperURL($0) }, write: { "\($0)" }),
    .text(
      "scraper-headers-file", \.scraperHeadersFile,
      help:
        "File with request headers for scrapers, such as Authorization, one 'Name: value' per line. Sent only over https or to loopback "
        + "addresses. Reread on each use."),
    .text("scraper-ca-file", \.scraperCAFile, help: "CA file to verify scrapers, instead of the system's CAs."),
    .text("scraper-cert-file", \.scraperCertificateFile, help: "Client certificate for scrapers."),
    .text("scraper-key-file", \.scraperKeyFile, help: "Private key of --scraper-cert-file, if it is not in the same file."),
    .truth("scraper-skip-verify", \.scraperSkipsVerification, help: "Do not verify the certificates of scrapers."),
    .choice(
      "service-monitors", \.serviceMonitors,
      help: "Whether to write ServiceMonitors for Prometheus Operator: on, off or auto (on if the cluster has the CRD)."),
    .one(
      "proxy-address", \.proxyAddress, accepts: "a host and a port such as rollcall-controller.rollcall.svc:9750",
      help: "Address at which Prometheus reaches /probe. If unset: our Service, and in HTTP service discovery the address of the request.",
      read: { isAuthority($0) ? .some($0) : nil }, write: { $0 }),
    Setting(
      name: "service-monitor-labels", shape: .list,
      help: "Label key=value for the Services, EndpointSlices and ServiceMonitors that we write, such as release=kube-prometheus-stack. "
        + "Can be repeated.",
      accepts: "key=value"
    ) { texts, settings in
      var labels: [String: String] = [:]
      for text in texts {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, LabelSelector.isLabel(key: parts[0], value: parts[1]) else { return text }
        labels[parts[0]] = parts[1]
      }
      settings.serviceMonitorLabels = labels
      return nil
    } show: { settings in
      settings.serviceMonitorLabels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    },
    .number(
      "service-monitor-sample-limit", \.serviceMonitorSampleLimit, in: 1...1_000_000_000, what: "a number",
      help:
        "sampleLimit of ServiceMonitors: Prometheus drops scrapes with more samples. A virtual node has about 175 per pod, and pods that do "
        + "not fit are left out, unless --service-monitors is off."),
    .size(
      "service-monitor-body-limit", \.serviceMonitorBodyLimit,
      help: "bodySizeLimit of ServiceMonitors: Prometheus drops scrapes with more bytes, decompressed."),
    .choice("events", \.events, help: "Whether to record Kubernetes Events about gaps on Pods and Nodes: on or off."),
    .choice(
      "rules-without-data", \.rulesWithoutData,
      help: "Whether to look once an hour for rules of PrometheusRule objects that read a metric which no scraper has: on or off."),
  ]

  // MARK: This process

  private static let process: [Setting] = [
    .one(
      "listen", \.listen, accepts: "an address and a port such as 0.0.0.0:9750, [::]:9750 or :9750",
      help: "Address on which the status page, metrics, service discovery and the API are served; without a host all, of IPv4 and IPv6.",
      read: { ListenAddress($0) },
      write: { "\($0)" }),
    .choice(
      "authorization", \.authorization,
      help:
        "Whether requests need a bearer token whose user the API server allows the path (TokenReview and SubjectAccessReview): on or off."),
    Setting(
      name: "open-paths", shape: .list,
      help: "Path that needs no token and no TLS: /metrics, /sd, /livez or /readyz; none opens nothing. Can be repeated.",
      accepts: "one of \(OpenPath.allCases.map(\.rawValue).joined(separator: ", ")), or none alone"
    ) { texts, settings in
      if texts == ["none"] {
        settings.openPaths = []
        return nil
      }
      var paths: Set<OpenPath> = []
      for text in texts {
        guard let path = OpenPath(rawValue: text) else { return text }
        paths.insert(path)
      }
      settings.openPaths = paths
      return nil
    } show: { settings in
      settings.openPaths.isEmpty ? ["none"] : settings.openPaths.map(\.rawValue).sorted()
    },
    .choice(
      "trust-loopback", \.trustsLoopback,
      help:
        "Whether requests from 127.0.0.1 and ::1 need neither token nor TLS: on, for kubectl port-forward, or off, where other programs share "
        + "the network namespace, as on the host network or beside a proxy."),
    .choice(
      "listen-tls", \.listenTLS,
      help: "Whether the port of --listen serves TLS: on or off. Without TLS, bearer tokens arrive in the clear."),
    .text(
      "listen-tls-dir", \.listenTLSFolder,
      help:
        "Directory with tls.crt and tls.key for the port of --listen, reread every 2 s. If unset: a certificate of Rollcall's own authority for "
        + "rollcall-controller."),
    .text(
      "listen-ca-secret", \.listenCASecret,
      help:
        "Secret in our namespace with the ca.crt by which ServiceMonitors verify the certificate of --listen-tls-dir, instead of the system's "
        + "CAs."),
    .text(
      "scraper-token-secret", \.scraperTokenSecret,
      help:
        "Secret in our namespace with the token that ServiceMonitors have Prometheus send to this port. If unset: the token of Prometheus's own "
        + "service account, from its file."),
    .one(
      "own-address", \.ownAddress, accepts: "an IP address",
      help:
        "IP address of this replica, at which Prometheus scrapes the metrics of virtual nodes. If unset: POD_IP, then the address of --listen.",
      read: { IPAddress($0) == nil ? nil : .some($0) }, write: { $0 }),
    .text("kubeconfig", \.kubeconfig, help: "Kubeconfig file. If unset: KUBECONFIG, ~/.kube/config, then the pod's service account."),
    .text("context", \.context, help: "Context of the kubeconfig. If unset: the current context."),
    .one(
      "namespace", \.namespace, accepts: "the name of a namespace: at most 63 lower-case letters, digits and hyphens",
      help:
        "Namespace of the objects that the controller writes. If unset: POD_NAMESPACE, then that of the context or the service account.",
      read: { isNamespaceName($0) ? .some($0) : nil }, write: { $0 }),
    .one(
      "agent-namespace", \.agentNamespace, accepts: "the name of a namespace: at most 63 lower-case letters, digits and hyphens",
      help: "Namespace of the agents' DaemonSet, in which the controller writes their Secret rollcall-tls. If unset: that of --namespace.",
      read: { isNamespaceName($0) ? .some($0) : nil }, write: { $0 }),
    .choice(
      "leader-election", \.leaderElection,
      help: "Whether replicas elect a leader, which calls rolls, writes objects and sends alerts: on or off."),
    .text(
      "identity", \.identity,
      help:
        "Identity in the leader election, unique among replicas. If unset: POD_NAME, with which a restarted container leads again at once, "
        + "or the host name and a random number."
    ),
    .number(
      "shards", \.shards, in: 1...64, what: "a number",
      help:
        "Number of parts into which the nodes are divided by a hash of their names. Each has its own leader, which calls its nodes only. "
        + "More than one needs a StatefulSet of at least as many replicas; see docs/scale.md."),
    .one(
      "shard", \.shard, accepts: "a number from 0 to 63",
      help: "The shard of this replica, from 0. If unset: the number at the end of POD_NAME, modulo --shards.",
      read: { text in Int(text).flatMap { (0...63).contains($0) ? .some($0) : nil } }, write: { $0.map { "\($0)" } }),
    .choice("log-level", \.logLevel, help: "Minimum level of logged messages."),
    .choice("log-format", \.logFormat, help: "Format of logged messages, one a line: text, logfmt or json."),
  ]

  private static let familyAccepted = "the name of a metric, or a prefix followed by *, such as container_fs_*"

  private static func isFamilyPattern(_ text: String) -> Bool {
    text == "*" || isMetricName(text.hasSuffix("*") ? String(text.dropLast()) : text)
  }

  /// Whether the text is an RFC 1123 label. With any other name every write would fail, and a slash would change the request path.
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

  fileprivate static func selectors(_ name: String, _ path: any Path<[LabelSelector]>, help: String) -> Setting {
    list(
      name, path, accepts: "a label selector such as type=virtual-kubelet or role in (a,b)", help: help, read: { LabelSelector($0) },
      write: { "\($0)" })
  }

  fileprivate static func scheme(_ name: String, _ path: any Path<String>, help: String) -> Setting {
    one(name, path, accepts: "http or https", help: help, read: { ["http", "https"].contains($0) ? $0 : nil }, write: { $0 })
  }
}
