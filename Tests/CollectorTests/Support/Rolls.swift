import Roll

/// An entry from `namespace/pod/container`. By default its ID is derived from the container's name.
func rollEntry(_ path: String, id: String? = nil, ip: String? = nil) -> RollEntry {
  let parts = path.split(separator: "/").map(String.init)
  return RollEntry(
    reference: ContainerReference(namespace: parts[0], pod: parts[1], container: parts[2]), podUID: "uid-\(parts[0])-\(parts[1])",
    containerID: id ?? "id-\(parts[2])", hostNetwork: false, podIP: ip)
}

func nodeRoll(
  _ source: Source, _ entries: [RollEntry], address: String? = "127.0.0.1", ready: Bool = true, hash: String = "hash-1"
) -> NodeRoll {
  NodeRoll(node: "node-1", source: source, address: address, nodeReady: ready, entries: entries, exempt: [], hash: hash)
}

extension Answer {
  /// `nil` for a collected container.
  var reason: Reason? {
    if case .missed(let reason, _) = self { reason } else { nil }
  }

  /// Empty for a collected container.
  var detail: String {
    if case .missed(_, let detail) = self { detail } else { "" }
  }
}
