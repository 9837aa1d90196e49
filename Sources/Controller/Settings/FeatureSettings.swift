internal import Collector
internal import Exposition
internal import HTTPTransport
internal import KubeClient
internal import Primitives
internal import Push
internal import Roll

/// The settings of each part of the controller. No part depends on `ControllerSettings` itself.
extension ControllerSettings {
  var cluster: ClusterSettings {
    ClusterSettings(kubeconfig: kubeconfig, context: context, namespace: namespace, agentNamespace: agentNamespace)
  }

  var leadership: LeadershipSettings {
    LeadershipSettings(hasElection: leaderElection == .on, identity: identity, reusesPodNames: shards > 1)
  }

  /// The nodes that this replica calls if it leads.
  /// - Throws: `ControllerError` if nothing says which.
  func nodeShard(environment: [String: String]) throws(ControllerError) -> NodeShard {
    guard shards > 1 else { return .all }
    let pod = environment["POD_NAME"] ?? ""
    guard let index = shard ?? Self.ordinal(ofPod: pod).map({ $0 % shards }), let shard = NodeShard(index, of: shards) else {
      throw .configuration(
        "--shards \(shards), but nothing says which shard this replica is of: POD_NAME is \"\(pod)\", which is not the name of a Pod of a "
          + "StatefulSet, such as rollcall-controller-0; run the controller as a StatefulSet, or give --shard")
    }
    return shard
  }

  /// The number of a StatefulSet's Pod. The last part of another Pod's name has five characters, which may all be digits.
  private static func ordinal(ofPod name: String) -> Int? {
    guard let hyphen = name.lastIndex(of: "-") else { return nil }
    let digits = name[name.index(after: hyphen)...]
    guard (1...4).contains(digits.utf8.count), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return Int(digits)
  }

  /// The Pods that a replica keeps: those of its shard's nodes, and the controllers, which ask each other.
  func podSelection(of shard: NodeShard, namespace: String, environment: [String: String]) -> PodSelection {
    let pod = environment["POD_NAME"] ?? ""
    let prefix = pod.lastIndex(of: "-").map { String(pod[...$0]) }
    return PodSelection(nodes: shard, others: prefix.map { (namespace: namespace, prefix: $0) })
  }

  /// Two missed calls and the wait for the next one; less than the threshold in any case, which is at least two intervals.
  var stalenessLimit: Duration { min(interval * 3, threshold / 2) }

  /// The time after a stop of the process until every node has been called again: calls that were interrupted end, and the next ones begin
  /// within an interval. Longer than `stalenessLimit`, so that watches that broke meanwhile are known to be stale.
  var catchUp: Duration { max(stalenessLimit, interval) + max(interval, deadline) }

  var archive: ArchivePolicy { ArchivePolicy(uncollected: interval, unscraped: threshold / 2) }

  /// A roll must be known to be stale before a container that no longer exists becomes a gap.
  var policies: PolicySettings { PolicySettings(leastThreshold: stalenessLimit * 2) }

  func rolls(of shard: NodeShard = .all) -> RollSettings {
    RollSettings(
      grace: grace, virtualNodes: virtualNodes,
      exemptions: ExemptionSettings(
        ignoredNodes: ignoredNodes, ignoredNamespaces: ignoredNamespaces, sandboxedRuntimeClasses: sandboxedRuntimeClasses),
      allowsLoopback: allowsLoopbackTargets, annotations: annotationLimits, shard: shard)
  }

  /// Ports from the settings are always allowed.
  var annotationLimits: AnnotationLimits {
    AnnotationLimits(addresses: annotationAddresses, ports: Set(annotationPorts).union([windows.port, virtual.port]))
  }

  var serving: ServingSettings {
    ServingSettings(
      listen: listen, interval: interval, threshold: threshold, deadline: deadline, allowsLoopback: allowsLoopbackTargets,
      proxyAddress: proxyAddress, proxiesWindows: windowsTargets == .proxy, scheme: listenScheme, scrapers: scrapers,
      runbooks: runbooks, containerMetrics: containerMetrics)
  }

  var portAccess: PortAccessSettings {
    PortAccessSettings(
      wantsAuthorization: authorization == .on, wantsTLS: listenTLS == .on, trustsLoopback: trustsLoopback == .on, openPaths: openPaths)
  }

  /// How a replica that does not lead reaches the leader's port.
  /// - Parameter authorities: those of our own certificates; `nil` until they are known.
  func leaderConnection(authorities: PEMSource?) -> LeaderPages.Connection {
    guard listenTLS == .on else { return .plain }
    guard listenTLSFolder == nil else {
      return .unknown(reason: "Its certificate is that of --listen-tls-dir, which replicas do not verify.")
    }
    guard let authorities else { return .unknown(reason: "The certificate of our authority is not known yet.") }
    return .tls(TLSOptions(certificateAuthorities: authorities, serverName: PortNames.common))
  }

  /// Our port at the address of another replica.
  func portAddress(of replica: String) -> String { "\(ListenAddress(host: replica, port: listen.port))" }

  private var listenScheme: String { listenTLS == .on ? "https" : "http" }

  /// - Parameter namespace: of our Service.
  func portNames(namespace: String) -> PortNames {
    PortNames(namespace: namespace, others: [servingAddress, proxyAddress.flatMap { ListenAddress($0)?.host }].compactMap(\.self))
  }

  var relay: RelaySettings {
    RelaySettings(
      maximumProbes: maximumProbes, windows: windowsNodes, windowsSource: windowsSource, mode: windowsPages,
      annotations: annotationLimits, probesLinux: probesLinux)
  }

  /// Limits connecting within `deadline`.
  private var connectTimeout: Duration { min(deadline, .seconds(3)) }
}

// MARK: Nodes

extension ControllerSettings {
  var nodes: NodeSettings {
    NodeSettings(
      interval: interval, maximumCalls: maximumCalls, keptConnections: keptConnections, agent: agents, windows: windowsNodes,
      windowsSource: windowsSource, annotations: annotationLimits, summary: summary, virtual: virtualNodeSettings)
  }

  private var agents: AgentCollectorSettings {
    var agents = AgentCollectorSettings()
    agents.port = agentRollPort
    agents.deadline = deadline
    agents.connectTimeout = connectTimeout
    agents.scrapers = scrapers
    return agents
  }

  private var windowsNodes: WindowsSettings {
    var nodes = WindowsSettings()
    nodes.endpoint = ExporterEndpoint(scheme: windows.scheme, port: windows.port, path: windows.path, collectors: windowsCollectors)
    nodes.deadline = deadline
    nodes.connectTimeout = connectTimeout
    nodes.tls = TLSOptions(
      certificateAuthorities: windowsCAFile.map { .file($0) }, clientCertificate: windowsCertificateFile.map { .file($0) },
      clientKey: windowsKeyFile.map { .file($0) }, verification: windowsSkipsVerification ? .none : .full)
    nodes.headersFile = windowsHeadersFile
    nodes.limits.labels = labelLimit
    nodes.limits.labelLength = labelLengthLimit
    nodes.allowsLoopback = allowsLoopbackTargets
    return nodes
  }

  var summary: SummarySettings {
    var kubelet = KubeletClient.Settings()
    kubelet.connectTimeout = connectTimeout
    kubelet.tls = TLSOptions(
      certificateAuthorities: kubeletCAFile.map { .file($0) }, verification: kubeletSkipsVerification ? .none : .full)
    kubelet.tokenFile = kubeletTokenFile
    kubelet.allowsLoopback = allowsLoopbackTargets
    return SummarySettings(access: kubeletAccess, deadline: deadline, kubelet: kubelet)
  }

  private var virtualNodeSettings: VirtualSettings {
    var nodes = VirtualSettings()
    nodes.endpoint.scheme = virtual.scheme
    nodes.endpoint.port = virtual.port
    nodes.endpoint.path = virtual.path
    nodes.endpoint.scope = virtualScope
    nodes.maximumTransfers = virtualTransfers
    nodes.families = FamilyFilter(kept: virtualKept, dropped: virtualDropped)
    nodes.feedsSink = virtualMode != .serve
    nodes.servedFamilies =
      switch virtualMode {
      case .serve: .everything
      case .both: FamilyFilter(kept: virtualBasic)
      case .push: nil
      }
    nodes.scrapers = scrapers
    for limits in [\VirtualSettings.limits, \.nodeLimits] {
      nodes[keyPath: limits].labels = labelLimit
      nodes[keyPath: limits].labelLength = labelLengthLimit
    }
    // Prometheus refuses a response whose size is the limit.
    nodes.nodeBudget =
      serviceMonitors == .off ? nil : PageBudget(samples: serviceMonitorSampleLimit, bytes: serviceMonitorBodyLimit - 1)
    nodes.keepsTimestamps = virtualTimestamps == .on
    nodes.certificateAuthorities = virtualCAFile.map { .file($0) }
    nodes.verifiesCertificates = !virtualSkipsVerification
    nodes.nodeTokenFile = kubeletTokenFile
    nodes.stalenessLimit = virtualStaleness
    nodes.deadline = deadline
    // The last pod's deadline still ends within the interval, if the settings allow that.
    nodes.scrapeWindow = max(interval - deadline, interval / 4) * 0.8
    nodes.keptConnections = maximumCalls
    nodes.connectTimeout = connectTimeout
    nodes.allowsLoopback = allowsLoopbackTargets
    return nodes
  }
}

// MARK: Alerts

extension ControllerSettings {
  func alerts(of shard: NodeShard) -> AlertmanagerSettings {
    AlertmanagerSettings(
      urls: alertmanagers,
      tls: TLSOptions(
        certificateAuthorities: alertmanagerCAFile.map { .file($0) }, clientCertificate: alertmanagerCertificateFile.map { .file($0) },
        clientKey: alertmanagerKeyFile.map { .file($0) }, verification: alertmanagerSkipsVerification ? .none : .full),
      headersFile: alertmanagerHeadersFile, externalLabels: externalLabels, runbooks: runbooks,
      shard: shard.isPartial ? "\(shard.index)" : nil)
  }
}

// MARK: Scrape coverage

extension ControllerSettings {
  var coverage: ScrapeCoverageSettings {
    ScrapeCoverageSettings(
      mode: scrapeCoverage, urls: scraperURLs,
      tls: TLSOptions(
        certificateAuthorities: scraperCAFile.map { .file($0) }, clientCertificate: scraperCertificateFile.map { .file($0) },
        clientKey: scraperKeyFile.map { .file($0) }, verification: scraperSkipsVerification ? .none : .full),
      headersFile: scraperHeadersFile)
  }
}

// MARK: Targets

extension ControllerSettings {
  /// The scrape endpoint of each source. Virtual nodes are scraped at this controller, unless their metrics are only pushed.
  var endpoints: [Source: ScrapeEndpoint] {
    var endpoints: [Source: ScrapeEndpoint] = [
      .linux: ScrapeEndpoint(scheme: agentMetricsScheme, port: agentMetricsPort, path: "/metrics"), .windows: windows,
    ]
    if virtualMode != .push { endpoints[.virtual] = ScrapeEndpoint(scheme: listenScheme, port: listen.port, path: "/metrics/cadvisor") }
    return endpoints
  }

  /// - Parameter namespace: of our objects.
  func targets(namespace: String) -> TargetSettings {
    TargetSettings(
      namespace: namespace, allowsLoopback: allowsLoopbackTargets, serviceMonitors: serviceMonitors, extraLabels: serviceMonitorLabels,
      scrapeInterval: interval, bodyLimit: serviceMonitorBodyLimit, sampleLimit: serviceMonitorSampleLimit, endpoints: endpoints,
      probeAddress: windowsTargets == .proxy ? proxyAddress ?? "rollcall-controller.\(namespace).svc:\(listen.port)" : nil,
      authoritySecret: agentNamespace.map { $0 == namespace } ?? true ? ObjectNames.tlsSecret : ObjectNames.authoritySecret,
      agentTLSSecret: agentMetricsTLSSecret, port: scrapedPort)
  }

  private var scrapedPort: ScrapedPort {
    let authority: ScrapedPort.Authority =
      switch (listenTLSFolder, listenCASecret) {
      case (nil, _): .own
      case (_, let secret?): .secret(secret)
      case (_, nil): .system
      }
    return ScrapedPort(
      tls: listenTLS == .on ? authority : nil,
      token: authorization == .off ? nil : scraperTokenSecret.map { .secret($0) } ?? .serviceAccount)
  }

  /// Where Prometheus reaches this replica and no other; `nil` if unknown.
  var servingAddress: String? {
    if let ownAddress { return ownAddress }
    guard let address = IPAddress(listen.host), address.special != .unspecified else { return nil }
    return listen.host
  }
}

// MARK: Push

extension ControllerSettings {
  /// - Parameter environment: names a proxy for remote write unless the settings do.
  /// - Throws: `ControllerError` if a proxy variable is not a URL.
  func push(environment: [String: String]) throws(ControllerError) -> PushServiceSettings {
    let proxy = try remoteWriteProxy(environment)
    return PushServiceSettings(
      remoteWrite: remoteWrite.map { url in
        var push = receiver(url, spool: "remote-write")
        push.version = remoteWriteVersion
        push.proxy = proxy?.transportURL
        push.tls = TLSOptions(
          certificateAuthorities: remoteWriteCAFile.map { .file($0) }, clientCertificate: remoteWriteCertificateFile.map { .file($0) },
          clientKey: remoteWriteKeyFile.map { .file($0) }, verification: remoteWriteSkipsVerification ? .none : .full)
        return PushServiceSettings.Receiver(push: push, families: .everything, headersFile: remoteWriteHeadersFile)
      },
      openFalcon: openFalcon.map { url in
        var push = receiver(url, spool: "open-falcon")
        push.form = .openFalcon(step: interval, tags: Set(openFalconTags))
        return PushServiceSettings.Receiver(push: push, families: FamilyFilter(kept: virtualBasic), headersFile: nil)
      },
      virtualStaleness: virtualMode == .serve ? nil : virtualStaleness)
  }

  private func remoteWriteProxy(_ environment: [String: String]) throws(ControllerError) -> ProxyServer? {
    guard let remoteWrite else { return nil }
    if let remoteWriteProxy { return remoteWriteProxy }
    do throws(ConfigurationError) {
      return try ProxyEnvironment(environment).proxy(for: remoteWrite.text)
    } catch {
      throw .configuration("\(error)")
    }
  }

  /// - Throws: `ControllerError` if a line of a headers file is refused. A file that does not exist yet is none.
  func checkHeadersFiles() throws(ControllerError) {
    let files = [
      ("--remote-write-headers-file", remoteWriteHeadersFile), ("--windows-headers-file", windowsHeadersFile),
      ("--alertmanager-headers-file", alertmanagerHeadersFile), ("--scraper-headers-file", scraperHeadersFile),
    ]
    for case (let setting, let path?) in files {
      if let problem = HeadersFile(path: path).problem { throw .configuration("\(setting): \(problem)") }
    }
  }

  private func receiver(_ url: PushURL, spool: String) -> PushSettings {
    var push = PushSettings(url: url.text)
    push.labels = externalLabels
    push.shards = pushShards
    push.samplesPerRequest = pushSamplesPerSend
    push.longestWait = pushSendDeadline
    push.deadline = pushTimeout
    push.memoryLimit = pushMemory
    push.spoolFolder = pushSpoolFolder.map { "\($0)/\(spool)" }
    push.spoolLimit = pushSpoolLimit
    return push
  }
}
