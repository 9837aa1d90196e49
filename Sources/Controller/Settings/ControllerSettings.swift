package import Collector
package import Logging
package import Primitives
internal import Roll

/// Every setting of the controller. `SettingsTable` has the name of each, its meaning, and the values that it accepts.
/// `FeatureSettings.swift` splits them into the settings of each part.
package struct ControllerSettings: Hashable, Sendable {
  package enum Toggle: String, CaseIterable, Sendable {
    case on, off
  }

  /// What becomes of the pages of virtual nodes.
  package enum VirtualMode: String, CaseIterable, Sendable {
    /// Held, and served as a kubelet would.
    case serve
    /// Pushed as they arrive, and not held.
    case push
    /// All is pushed, the basic families are served.
    case both
  }

  /// What Prometheus is told to scrape for a Windows node.
  package enum WindowsTargets: String, CaseIterable, Sendable {
    /// Our /probe.
    case proxy
    /// The exporter itself.
    case exporter
  }

  // How containers are judged.
  package var interval: Duration = .seconds(15)
  package var threshold: Duration = .seconds(300)
  package var grace: Duration = .seconds(60)
  package var virtualNodes = [LabelSelector("type=virtual-kubelet")].compactMap(\.self)

  // How they are collected.
  package var deadline: Duration = .seconds(10)
  /// Each holds one connection at most, except on virtual nodes. A call to a node that is down lasts until it cannot be connected, 3 s
  /// of every 15 s: 512 at once are enough for 2,500 such nodes.
  package var maximumCalls = 512
  /// A connection to an agent takes 49 KB as long as it is kept, a new one 1.8 ms of CPU (mutual TLS, measured with libcurl 7.88 and OpenSSL 3.0):
  /// 50 MB at most for 1,024 nodes, where 5,000 would take 245 MB, more than all else.
  package var keptConnections = 1024
  package var agentMetricsPort = 9753
  package var agentMetricsScheme = "http"
  /// A Secret in our namespace by which Prometheus reaches agents over https; `nil`: the authority of our own.
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
  /// Scrapes through us at the same time, beyond which they wait; each holds a quarter of a megabyte at most while it streams.
  package var maximumProbes = 128
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

  // What is pushed.
  package var virtualMode = VirtualMode.serve
  package var virtualBasic = Self.basicFamilies
  package var remoteWrite: PushURL?
  package var remoteWriteHeadersFile: String?
  package var remoteWriteCAFile: String?
  package var remoteWriteCertificateFile: String?
  package var remoteWriteKeyFile: String?
  package var remoteWriteSkipsVerification = false
  package var openFalcon: PushURL?
  package var externalLabels: [String: String] = [:]
  package var pushTimeout: Duration = .seconds(30)
  package var pushShards = 4
  package var pushSamplesPerSend = 2000
  package var pushSendDeadline: Duration = .seconds(5)
  package var pushMemory = 16 << 20
  package var pushSpoolFolder: String?
  package var pushSpoolLimit = 2 << 30

  // What Prometheus and Alertmanager get.
  package var alertmanagers: [AlertmanagerURL] = []
  package var serviceMonitors: ServiceMonitorMode = .auto
  package var serviceMonitorLabels: [String: String] = [:]
  /// Past these, in samples and decompressed bytes, Prometheus drops a scrape.
  package var serviceMonitorSampleLimit = 200_000
  package var serviceMonitorBodyLimit = 64 << 20
  /// Where Prometheus reaches /probe; `nil`: our Service, and for HTTP SD the address that it asked.
  package var proxyAddress: String?
  package var events: Toggle = .on

  // Where we are.
  /// Our own IP address, where Prometheus reaches this replica and no other; `nil` where it is not known.
  package var ownAddress: String?
  package var listen = ListenAddress(host: "0.0.0.0", port: 9750)
  package var kubeconfig: String?
  package var context: String?
  /// `nil`: the one that the kubeconfig's context or the service account names.
  package var namespace: String?
  package var leaderElection: Toggle = .on
  /// `nil`: the pod's name, or one that nobody else has.
  package var identity: String?
  package var logLevel: Logger.Level = .info

  package init() {}

  /// Checks settings that contradict each other.
  func checkTogether() throws(SettingsError) {
    guard threshold >= interval * 2 else {
      throw .contradiction(
        "threshold \(threshold.text) is less than two intervals of \(interval.text): one slow answer would be a gap; "
          + "raise --threshold or lower --interval")
    }
    if windowsSkipsVerification, windowsCAFile != nil {
      throw .contradiction("--windows-skip-verify and --windows-ca-file contradict each other: give up one of them")
    }
    if virtualSkipsVerification, virtualCAFile != nil {
      throw .contradiction("--virtual-skip-verify and --virtual-ca-file contradict each other: give up one of them")
    }
    if kubeletSkipsVerification, kubeletCAFile != nil {
      throw .contradiction("--kubelet-skip-verify and --kubelet-ca-file contradict each other: give up one of them")
    }
    try checkPush()
  }
}

extension ControllerSettings {
  /// CPU, memory, network and file system of containers: the first that a dashboard shows, and all that `/metrics/resource` and
  /// `/stats/summary` are made of.
  static let basicFamilies = [
    "container_cpu_usage_seconds_total", "container_fs_limit_bytes", "container_fs_reads_bytes_total", "container_fs_usage_bytes",
    "container_fs_writes_bytes_total", "container_memory_rss", "container_memory_usage_bytes", "container_memory_working_set_bytes",
    "container_network_receive_bytes_total", "container_network_transmit_bytes_total", "container_start_time_seconds",
  ]

  /// Checks settings of the push that contradict each other.
  private func checkPush() throws(SettingsError) {
    if virtualMode != .serve, remoteWrite == nil, openFalcon == nil {
      throw .contradiction(
        "--virtual-mode \(virtualMode.rawValue) has nowhere to push to: name a receiver by --remote-write-url or --open-falcon-url")
    }
    if virtualMode == .serve, remoteWrite != nil {
      throw .contradiction("--remote-write-url gets nothing with --virtual-mode serve: choose push or both, or leave it out")
    }
    if remoteWrite == nil, remoteWriteHeadersFile ?? remoteWriteCAFile ?? remoteWriteCertificateFile ?? remoteWriteKeyFile != nil {
      throw .contradiction("--remote-write-headers-file and the like are for --remote-write-url, which is not given")
    }
    if remoteWrite?.isPlain == true, remoteWriteHeadersFile != nil {
      throw .contradiction(
        "the headers of --remote-write-headers-file would go over plain http: give --remote-write-url an https URL, or leave them out")
    }
    if remoteWriteSkipsVerification, remoteWriteCAFile != nil {
      throw .contradiction("--remote-write-skip-verify and --remote-write-ca-file contradict each other: give up one of them")
    }
    if remoteWriteKeyFile != nil, remoteWriteCertificateFile == nil {
      throw .contradiction("--remote-write-key-file is of no use without --remote-write-cert-file")
    }
  }
}
