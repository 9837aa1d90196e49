internal import Roll

/// A request for a pod's or a node's scrape, and the entries of the roll that it answers for.
struct ScrapeRequest: Sendable {
  var key: VirtualScrapeCache.Key
  /// The URL, or the reason why there is none.
  var url: Result<String, Miss>
  /// Indices into the entries of the roll.
  var indices: [Int]

  /// One request for each pod in the order of the roll, or one for the node.
  static func all(of roll: NodeRoll, settings: VirtualSettings, endpoints: VirtualEndpointOverrides) -> [ScrapeRequest] {
    let endpoint = endpoints.ofNode(roll.node, settings.endpoint)
    switch endpoint.scope {
    case .pods: return ofPods(roll) { namespace, pod in endpoints.ofPod(namespace, pod, endpoint) }
    case .node: return roll.entries.isEmpty ? [] : [ofNode(roll, at: endpoint)]
    }
  }

  /// The pods of the entries.
  func pods(of roll: NodeRoll) -> [VirtualScrapeCache.Key] {
    indices.map { index in
      let reference = roll.entries.reference(at: index)
      return VirtualScrapeCache.Key(namespace: reference.namespace, pod: reference.pod)
    }
  }

  private static func ofNode(_ roll: NodeRoll, at endpoint: VirtualEndpoint) -> ScrapeRequest {
    ScrapeRequest(key: .node, url: url(ofNode: roll, at: endpoint), indices: Array(roll.entries.indices))
  }

  private static func url(ofNode roll: NodeRoll, at endpoint: VirtualEndpoint) -> Result<String, Miss> {
    guard let address = roll.address else {
      return .failure(Miss(.endpointUnreachable, "the node \(roll.node) has no usable address in its status"))
    }
    guard let host = urlHost(of: address) else {
      return .failure(
        Miss(.endpointUnreachable, "the address of the node \(roll.node) is neither an IP address nor a DNS name: '\(address)'"))
    }
    // Node names are DNS names and need no escaping.
    return .success("\(endpoint.scheme)://\(host):\(endpoint.port)\(endpoint.path)?nodeName=\(roll.node)")
  }

  private static func ofPods(
    _ roll: NodeRoll, at endpoint: (_ namespace: String, _ pod: String) -> VirtualEndpoint
  ) -> [ScrapeRequest] {
    /// A pod and its replacement of the same name differ in their UIDs. Both can be on the roll.
    struct Identity: Hashable {
      var namespace: String
      var name: String
      var uid: String
      var address: String?
    }
    var requests: [ScrapeRequest] = []
    var known: [Identity: Int] = [:]
    for (index, entry) in roll.entries.enumerated() {
      let identity = Identity(
        namespace: entry.reference.namespace, name: entry.reference.pod, uid: entry.podUID, address: entry.podIP)
      if let request = known[identity] {
        requests[request].indices.append(index)
        continue
      }
      known[identity] = requests.count
      requests.append(
        ScrapeRequest(
          key: VirtualScrapeCache.Key(namespace: identity.namespace, pod: identity.name),
          url: url(ofPod: entry, at: endpoint(identity.namespace, identity.name)), indices: [index]))
    }
    return requests
  }

  private static func url(ofPod entry: RollEntry, at endpoint: VirtualEndpoint) -> Result<String, Miss> {
    let name = "\(entry.reference.namespace)/\(entry.reference.pod)"
    guard let address = entry.podIP else {
      return .failure(Miss(.endpointUnreachable, "the pod \(name) has no address in its status"))
    }
    guard let host = urlHost(of: address) else {
      return .failure(Miss(.endpointUnreachable, "the address of the pod \(name) is not an IP address: '\(address)'"))
    }
    return .success("\(endpoint.scheme)://\(host):\(endpoint.port)\(endpoint.path)")
  }
}
