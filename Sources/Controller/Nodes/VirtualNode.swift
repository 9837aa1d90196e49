import Collector
import HTTPTransport
import KubeClient

/// How the pages of one virtual node's pods are found: as the settings say, above them the Node's label, and above that its annotations.
struct VirtualNode: Hashable {
  var endpoint: VirtualEndpoint
  /// A label or an annotation that is not accepted, for people; what is below it holds instead.
  var notes: [String] = []

  /// - Parameter configured: what the settings say.
  init(_ node: NodeRecord, configured: VirtualEndpoint) {
    endpoint = configured
    if let text = node.labels[Annotations.cadvisorPort] {
      if let port = Int(text), (1...65535).contains(port) {
        endpoint.port = port
      } else {
        notes.append(Annotations.refusal("label \(Annotations.cadvisorPort)", text, accepted: "a port from 1 to 65535"))
      }
    }
    if let note = endpoint.read(node.annotations) { notes.append(note) }
    if let text = node.annotations[Annotations.cadvisorFrom] {
      if let from = VirtualEndpoint.Answerer(rawValue: text) {
        endpoint.answerer = from
      } else {
        notes.append(Annotations.refusal("annotation \(Annotations.cadvisorFrom)", text, accepted: "pods or node"))
      }
    }
  }

  /// What is wrong with the annotations of these Pods, which are on one virtual node. Of many, some stand for all.
  static func notes(on pods: some Sequence<PodRecord>) -> [String] {
    let limit = 10
    var notes: [String] = []
    var others = 0
    for pod in pods {
      var endpoint = VirtualEndpoint()
      guard let note = endpoint.read(pod.annotations) else { continue }
      if notes.count < limit { notes.append("pod \(pod.namespace)/\(pod.name): \(note)") } else { others += 1 }
    }
    return others == 0 ? notes : notes + ["and \(others) more pods with such an annotation"]
  }
}

extension VirtualEndpoint {
  /// Takes on what the annotation of a Node or a Pod says. It names no host, since that is whom the numbers are believed of.
  /// - Returns: What is wrong with it, for people; it is passed over then.
  fileprivate mutating func read(_ annotations: [String: String]) -> String? {
    guard let text = annotations[Annotations.cadvisor] else { return nil }
    guard let named = ScrapeEndpoint(annotation: text), ["http", "https"].contains(named.scheme), (1...65535).contains(named.port),
      isURLPath(named.path)
    else {
      return Annotations.refusal(
        "annotation \(Annotations.cadvisor)", text, accepted: "a URL without a host, such as http://:8080/metrics/cadvisor")
    }
    scheme = named.scheme
    port = named.port
    path = named.path
    return nil
  }
}

extension VirtualEndpoints {
  /// By what Nodes and Pods say.
  init(
    node: @escaping @Sendable (_ name: String) -> NodeRecord?,
    podAnnotations: @escaping @Sendable (_ namespace: String, _ name: String) -> [String: String]
  ) {
    self.init(
      ofNode: { name, configured in node(name).map { VirtualNode($0, configured: configured).endpoint } ?? configured },
      ofPod: { namespace, name, ofNode in
        var endpoint = ofNode
        _ = endpoint.read(podAnnotations(namespace, name))
        return endpoint
      })
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
