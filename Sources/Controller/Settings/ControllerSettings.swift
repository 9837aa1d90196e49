package import Collector
package import KubeClient
package import LogLines
package import Logging
package import Primitives
package import Push
package import Roll

/// Every setting of the controller. `SettingsTable` has the name, help and accepted values of each.
/// `FeatureSettings.swift` splits them into the settings of each part.
package struct ControllerSettings: Hashable, Sendable {
  package enum Toggle: String, CaseIterable, Sendable {
    case on, off
  }

  /// How the metrics of virtual nodes are delivered.
  package enum VirtualMode: String, CaseIterable, Sendable {
    /// Cached, and served in the form of a kubelet.
    case serve
    /// Pushed as they arrive, and not cached.
    case push
    /// All families are pushed, the basic ones are cached and served.
    case both
  }

  /// The scrape target of a Windows node.
  package enum WindowsTargets: String, CaseIterable, Sendable {
    /// /probe of this controller.
    case proxy
    /// The exporter itself.
    case exporter
  }

  // Gaps.
  package var interval: Duration = .seconds(15)
  package var threshold: Duration = .seconds(300)
  package var grace: Duration = .seconds(60)
  package var virtualNodes = [LabelSelector("type=virtual-kubelet")].compactMap(\.self)
  package var ignoredNodes: [LabelSelector] = []
  package var ignoredNamespaces: [LabelSelector] = []
  package var sandboxedRuntimeClasses: [LabelSelector] = []
  package var scrapers = Scrapers.common
  package var containerMetrics = ContainerMetrics.gaps

  // Collection.
  package var deadline: Duration = .seconds(10)
  /// A call holds at most one connection, except on virtual nodes. A call to a node that is down lasts for the connect timeout, 3 s of
  /// every 15 s: 512 concurrent calls are enough for 2,500 such nodes.
  package var maximumCalls = 512
  /// A kept connection to an agent takes 49 KB, a new one 1.8 ms of CPU (mutual TLS, measured with libcurl 7.88 and OpenSSL 3.0). 1,024
  /// connections take 50 MB; 5,000 would take 245 MB, more than everything else.
  package var keptConnections = 1024
  /// Labels of one series, and bytes of a label name or value, in the responses of exporters and of pods on virtual nodes.
  package var labelLimit = 64
  package var labelLengthLimit = 4096
  package var agentMetricsPort = 9753
  package var agentMetricsScheme = "http"
  /// A Secret in our namespace with Prometheus's TLS credentials for agents; `nil` for the CA of `rollcall-tls` and no client certificate.
  package var agentMetricsTLSSecret: String?
  package var agentRollPort = 9754
  package var windows = ScrapeEndpoint(port: 9182, path: "/metrics")
  package var windowsCollectors: [String] = []
  package var windowsSource = WindowsSource.exporter
  package var windowsPages = ExporterRelayMode.relabel
  package var windowsTargets = WindowsTargets.proxy
  package var windowsCAFile: String?
  package var windowsCertificateFile: String?
  package var windowsKeyFile: String?
  package var windowsSkipsVerification = false
  package var windowsHeadersFile: String?
  package var kubeletAccess = SummarySettings.Access.proxy
  package var kubeletCAFile: String?
  package var kubeletTokenFile: String?
  package var kubeletSkipsVerification = false
  /// Concurrent scrapes through the relay; further ones wait. Each holds at most 256 KiB while it streams.
  package var maximumProbes = 128
  package var probesLinux = false
  package var virtual = ScrapeEndpoint(port: 8080, path: "/metrics/cadvisor")
  package var virtualScope = VirtualEndpoint.Scope.pods
  package var virtualCAFile: String?
  package var virtualSkipsVerification = false
  package var virtualTransfers = 64
  package var virtualKept = ["container_*"]
  package var virtualDropped: [String] = []
  package var virtualTimestamps = Toggle.on
  package var virtualStaleness: Duration = .seconds(120)
  package var allowsLoopbackTargets = false
  package var annotationAddresses: [String] = []
  package var annotationPorts: [Int] = []

  // Push.
  package var virtualMode = VirtualMode.serve
  package var virtualBasic = Self.basicFamilies
  package var remoteWrite: PushURL?
  package var remoteWriteVersion = RemoteWriteVersion.one
  package var remoteWriteHeadersFile: String?
  package var remoteWriteCAFile: String?
  package var remoteWriteCertificateFile: String?
  package var remoteWriteKeyFile: String?
  package var remoteWriteSkipsVerification = false
  package var remoteWriteProxy: ProxyServer?
  package var openFalcon: PushURL?
  package var openFalconTags = ["namespace", "pod", "container", "interface", "device"]
  package var externalLabels: [String: String] = [:]
  package var pushTimeout: Duration = .seconds(30)
  package var pushShards = 4
  package var pushSamplesPerSend = 2000
  package var pushSendDeadline: Duration = .seconds(5)
  package var pushMemory = 16 << 20
  package var pushSpoolFolder: String?
  package var pushSpoolLimit = 2 << 30

  // Alerts, targets and Events.
  package var alertmanagers: [AlertmanagerURL] = []
  package var alertmanagerHeadersFile: String?
  package var alertmanagerCAFile: String?
  package var alertmanagerCertificateFile: String?
  package var alertmanagerKeyFile: String?
  package var alertmanagerSkipsVerification = false
  package var runbooks = Runbooks.standard
  /// `nil`: `monitored` where the cluster has monitoring objects, else `off`.
  package var scrapeCoverage: ScrapeCoverageMode?
  package var scraperURLs: [ScraperURL] = []
  package var scraperHeadersFile: String?
  package var scraperCAFile: String?
  package var scraperCertificateFile: String?
  package var scraperKeyFile: String?
  package var scraperSkipsVerification = false
  package var serviceMonitors: ServiceMonitorMode = .auto
  package var serviceMonitorLabels: [String: String] = [:]
  /// Prometheus drops scrapes with more samples or, decompressed, more bytes than these limits.
  package var serviceMonitorSampleLimit = 200_000
  package var serviceMonitorBodyLimit = 64 << 20
  /// Where Prometheus reaches /probe; `nil` for our Service, and in HTTP SD for the address of the request.
  package var proxyAddress: String?
  package var events: Toggle = .on
  package var rulesWithoutData: Toggle = .off

  // Addresses and identity.
  /// The IP address of this replica; `nil` if unknown.
  package var ownAddress: String?
  package var listen = ListenAddress(host: "", port: 9750)
  package var authorization: Toggle = .on
  package var openPaths: Set<OpenPath> = [.livez, .readyz]
  package var trustsLoopback: Toggle = .on
  package var listenTLS: Toggle = .on
  /// A folder with `tls.crt` and `tls.key`; `nil` for a certificate of our own authority.
  package var listenTLSFolder: String?
  /// A Secret in our namespace with the `ca.crt` of the certificate in `listenTLSFolder`; `nil` for the system's CAs.
  package var listenCASecret: String?
  /// A Secret in our namespace with Prometheus's `token`; `nil` for the token of its own service account.
  package var scraperTokenSecret: String?
  package var kubeconfig: String?
  package var context: String?
  /// `nil` for the namespace of the kubeconfig's context or the service account.
  package var namespace: String?
  /// The namespace of the agents' DaemonSet and of the Secret that they mount; `nil` for that of our objects.
  package var agentNamespace: String?
  package var leaderElection: Toggle = .on
  /// `nil` for the pod's name, or else a unique name.
  package var identity: String?
  package var shards = 1
  /// `nil` for the number at the end of the pod's name, modulo `shards`.
  package var shard: Int?
  package var logLevel: Logger.Level = .info
  package var logFormat = LogFormat.text

  package init() {}

  /// Checks for settings that contradict each other.
  func checkTogether() throws(SettingsError) {
    guard threshold >= interval * 2 else {
      throw .contradiction(
        "threshold \(threshold.text) is less than two intervals of \(interval.text), so one slow response would open a gap; "
          + "raise --threshold or lower --interval")
    }
    if windowsSkipsVerification, windowsCAFile != nil {
      throw .contradiction("--windows-skip-verify and --windows-ca-file are mutually exclusive")
    }
    if virtualSkipsVerification, virtualCAFile != nil {
      throw .contradiction("--virtual-skip-verify and --virtual-ca-file are mutually exclusive")
    }
    if kubeletSkipsVerification, kubeletCAFile != nil {
      throw .contradiction("--kubelet-skip-verify and --kubelet-ca-file are mutually exclusive")
    }
    try checkPush()
    try checkAlertmanagers()
    try checkScrapers()
    try checkPort()
    try checkShards()
  }
}

extension ControllerSettings {
  /// CPU, memory, network and file system of containers: the families of common dashboards, and all that `/metrics/resource` and
  /// `/stats/summary` need.
  static let basicFamilies = [
    "container_cpu_usage_seconds_total", "container_fs_limit_bytes", "container_fs_reads_bytes_total", "container_fs_usage_bytes",
    "container_fs_writes_bytes_total", "container_memory_rss", "container_memory_usage_bytes", "container_memory_working_set_bytes",
    "container_network_receive_bytes_total", "container_network_transmit_bytes_total", "container_start_time_seconds",
  ]

  /// Checks for push settings that contradict each other.
  private func checkPush() throws(SettingsError) {
    if virtualMode != .serve, remoteWrite == nil, openFalcon == nil {
      throw .contradiction(
        "--virtual-mode \(virtualMode.rawValue) needs a receiver: set --remote-write-url or --open-falcon-url")
    }
    if virtualMode == .serve, remoteWrite != nil {
      throw .contradiction("--remote-write-url has no effect with --virtual-mode serve: choose push or both, or remove it")
    }
    if remoteWrite == nil, remoteWriteProxy != nil {
      throw .contradiction("--remote-write-proxy-url needs --remote-write-url, which is not given")
    }
    if remoteWrite == nil, remoteWriteHeadersFile ?? remoteWriteCAFile ?? remoteWriteCertificateFile ?? remoteWriteKeyFile != nil {
      throw .contradiction("--remote-write-headers-file and the TLS files of remote write need --remote-write-url, which is not given")
    }
    if remoteWrite?.isPlain == true, remoteWriteHeadersFile != nil {
      throw .contradiction(
        "--remote-write-headers-file would be sent over plain http: use an https URL in --remote-write-url, or remove it")
    }
    if remoteWriteSkipsVerification, remoteWriteCAFile != nil {
      throw .contradiction("--remote-write-skip-verify and --remote-write-ca-file are mutually exclusive")
    }
    if remoteWriteKeyFile != nil, remoteWriteCertificateFile == nil {
      throw .contradiction("--remote-write-key-file needs --remote-write-cert-file")
    }
  }

  /// Checks for settings of our own port that contradict each other.
  private func checkPort() throws(SettingsError) {
    if listenTLS == .off, listenTLSFolder != nil {
      throw .contradiction("--listen-tls-dir has no effect with --listen-tls off: remove one of them")
    }
    if listenCASecret != nil, listenTLSFolder == nil {
      throw .contradiction("--listen-ca-secret needs --listen-tls-dir: our own authority's certificate is in the Secret rollcall-tls")
    }
    if scraperTokenSecret != nil, authorization == .off {
      throw .contradiction("--scraper-token-secret has no effect with --authorization off: remove one of them")
    }
  }

  /// Checks for settings of shards that contradict others.
  private func checkShards() throws(SettingsError) {
    if let shard, shard >= shards {
      throw .contradiction(
        shards == 1
          ? "--shard \(shard) has no effect without --shards: give the number of shards, or remove it"
          : "--shard \(shard) does not exist: with --shards \(shards) they are numbered from 0 to \(shards - 1)")
    }
    if shards > 1, leaderElection == .off {
      throw .contradiction("--shards needs --leader-election on: the Leases say which replica has which shard")
    }
    if shards > 1, listenTLS == .off, authorization == .on {
      throw .contradiction(
        "--shards with --listen-tls off needs --authorization off: replicas ask each other, and send no token over plain http")
    }
    if shards > 1, listenTLSFolder != nil {
      throw .contradiction(
        "--shards needs the certificates of our own authority, by which the replicas know each other: remove --listen-tls-dir")
    }
  }

  /// Checks for settings of scrapers that contradict each other.
  private func checkScrapers() throws(SettingsError) {
    if scrapeCoverage == .off, !scraperURLs.isEmpty {
      throw .contradiction("--scraper-url has no effect with --scrape-coverage off: remove one of them")
    }
    if scrapeCoverage == .off, scraperHeadersFile ?? scraperCAFile ?? scraperCertificateFile ?? scraperKeyFile != nil {
      throw .contradiction("--scraper-headers-file and the TLS files of scrapers have no effect with --scrape-coverage off")
    }
    if scraperHeadersFile != nil, let plain = scraperURLs.first(where: \.isPlain) {
      throw .contradiction(
        "--scraper-headers-file would be sent over plain http to \(plain): use an https URL in --scraper-url, or remove it")
    }
    if scraperSkipsVerification, scraperCAFile != nil {
      throw .contradiction("--scraper-skip-verify and --scraper-ca-file are mutually exclusive")
    }
    if scraperKeyFile != nil, scraperCertificateFile == nil {
      throw .contradiction("--scraper-key-file needs --scraper-cert-file")
    }
  }

  /// Checks for settings of Alertmanagers that contradict each other.
  private func checkAlertmanagers() throws(SettingsError) {
    if alertmanagers.isEmpty,
      alertmanagerHeadersFile ?? alertmanagerCAFile ?? alertmanagerCertificateFile ?? alertmanagerKeyFile != nil
    {
      throw .contradiction("--alertmanager-headers-file and the TLS files of Alertmanagers need --alertmanager-url, which is not given")
    }
    if alertmanagerHeadersFile != nil, let plain = alertmanagers.first(where: \.isPlain) {
      throw .contradiction(
        "--alertmanager-headers-file would be sent over plain http to \(plain): use an https URL in --alertmanager-url, or remove it")
    }
    if alertmanagerSkipsVerification, alertmanagerCAFile != nil {
      throw .contradiction("--alertmanager-skip-verify and --alertmanager-ca-file are mutually exclusive")
    }
    if alertmanagerKeyFile != nil, alertmanagerCertificateFile == nil {
      throw .contradiction("--alertmanager-key-file needs --alertmanager-cert-file")
    }
  }
}
