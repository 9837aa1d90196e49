import Collector
import HTTPTransport
import KubeClient

extension VirtualEndpoints {
  /// The settings, above them the Node's label and annotations, above these the Pod's annotation. What is not accepted is
  /// passed over.
  init(
    node: @escaping @Sendable (_ name: String) -> NodeRecord?,
    podAnnotations: @escaping @Sendable (_ namespace: String, _ name: String) -> [String: String]
  ) {
    self.init(
      ofNode: { name, configured in
        guard let node = node(name) else { return configured }
        var endpoint = configured
        if let port = node.labels[Annotations.cadvisorPort].flatMap({ Int($0) }), (1...65535).contains(port) { endpoint.port = port }
        endpoint.read(node.annotations[Annotations.cadvisor])
        if let from = node.annotations[Annotations.cadvisorFrom].flatMap(VirtualEndpoint.Answerer.init(rawValue:)) {
          endpoint.answerer = from
        }
        return endpoint
      },
      ofPod: { namespace, name, ofNode in
        var endpoint = ofNode
        endpoint.read(podAnnotations(namespace, name)[Annotations.cadvisor])
        return endpoint
      })
  }
}

extension VirtualEndpoint {
  /// `http://:8080/metrics/cadvisor`: nobody may name a host, since that is whom the numbers are believed of.
  fileprivate mutating func read(_ annotation: String?) {
    guard let annotation, let named = ScrapeEndpoint(annotation: annotation), ["http", "https"].contains(named.scheme),
      (1...65535).contains(named.port), isURLPath(named.path)
    else { return }
    scheme = named.scheme
    port = named.port
    path = named.path
  }
}

extension VirtualSettings {
  init(_ settings: ControllerSettings) {
    self.init()
    endpoint.scheme = settings.virtual.scheme
    endpoint.port = settings.virtual.port
    endpoint.path = settings.virtual.path
    endpoint.answerer = settings.virtualAnswerer
    maximumTransfers = settings.virtualTransfers
    families = FamilyFilter(kept: settings.virtualKept, dropped: settings.virtualDropped)
    handsOver = settings.virtualMode != .serve
    servedFamilies =
      switch settings.virtualMode {
      case .serve: .everything
      case .both: FamilyFilter(kept: settings.virtualBasic)
      case .push: nil
      }
    keepsTimestamps = settings.virtualTimestamps == .on
    certificateAuthorities = settings.virtualCAFile.map { .file($0) }
    verifiesCertificates = !settings.virtualSkipsVerification
    nodeTokenFile = settings.kubeletTokenFile
    stalenessLimit = settings.virtualStaleness
    deadline = settings.deadline
    // A pod that is asked last still has its deadline within the interval, where the settings allow it.
    askingTime = max(settings.interval - settings.deadline, settings.interval / 4) * 0.8
    keptConnections = settings.maximumCalls
    connectTimeout = min(settings.deadline, .seconds(3))
    allowsLoopback = settings.allowsLoopbackTargets
  }
}
