import Collector
import KubeClient

/// Where the pods of one virtual node are scraped. The Node's annotations override its label, which overrides the settings.
struct VirtualNode: Hashable {
  var endpoint: VirtualEndpoint
  /// Notes about invalid labels and annotations, which are ignored.
  var notes: [String] = []

  /// - Parameter configured: the settings.
  init(_ node: NodeRecord, configured: VirtualEndpoint, limits: AnnotationLimits) {
    endpoint = configured
    if let text = node.labels[Annotations.cadvisorPort] {
      if let port = Int(text), limits.ports.contains(port) {
        endpoint.port = port
      } else {
        notes.append(Annotations.refusal("label \(Annotations.cadvisorPort)", text, accepted: Annotations.acceptedPorts))
      }
    }
    if let note = endpoint.read(node.annotations, ports: limits.ports) { notes.append(note) }
    if let text = node.annotations[Annotations.cadvisorFrom] {
      if let from = VirtualEndpoint.Scope(rawValue: text) {
        endpoint.scope = from
      } else {
        notes.append(Annotations.refusal("annotation \(Annotations.cadvisorFrom)", text, accepted: "pods or node"))
      }
    }
  }

  /// Notes about invalid annotations of these Pods: the first ten, and the number of the others.
  static func notes(on pods: some Sequence<PodRecord>) -> [String] {
    let limit = 10
    var notes: [String] = []
    var others = 0
    for pod in pods {
      var endpoint = VirtualEndpoint()
      guard let note = endpoint.read(pod.annotations) else { continue }
      if notes.count < limit { notes.append("pod \(pod.namespace)/\(pod.name): \(note)") } else { others += 1 }
    }
    return others == 0 ? notes : notes + ["and \(others) more pods with an invalid annotation"]
  }
}

extension VirtualEndpoint {
  /// Applies the annotation of a Node or a Pod. A host is refused: samples are attributed to the Pod at whose address they were scraped.
  /// - Parameter ports: those that are accepted; `nil` accepts all, because a Pod chooses among its own.
  /// - Returns: a note if the annotation is invalid; the endpoint is then unchanged.
  fileprivate mutating func read(_ annotations: [String: String], ports: Set<Int>? = nil) -> String? {
    guard let text = annotations[Annotations.cadvisor] else { return nil }
    guard let named = ScrapeEndpoint(annotation: text), ["http", "https"].contains(named.scheme), (1...65535).contains(named.port),
      isURLPath(named.path)
    else {
      return Annotations.refusal(
        "annotation \(Annotations.cadvisor)", text, accepted: "a URL without a host, such as http://:8080/metrics/cadvisor")
    }
    if let ports, !ports.contains(named.port) {
      return Annotations.refusal("annotation \(Annotations.cadvisor)", text, accepted: Annotations.acceptedPorts)
    }
    scheme = named.scheme
    port = named.port
    path = named.path
    return nil
  }
}

extension VirtualEndpointOverrides {
  /// Overrides from the labels and annotations of Nodes and Pods.
  init(
    limits: AnnotationLimits, node: @escaping @Sendable (_ name: String) -> NodeRecord?,
    podAnnotations: @escaping @Sendable (_ namespace: String, _ name: String) -> [String: String]
  ) {
    self.init(
      ofNode: { name, configured in node(name).map { VirtualNode($0, configured: configured, limits: limits).endpoint } ?? configured },
      ofPod: { namespace, name, ofNode in
        var endpoint = ofNode
        _ = endpoint.read(podAnnotations(namespace, name))
        return endpoint
      })
  }
}
