import Roll

/// The text of a container ID: zeros, then `ending`.
func containerID(_ ending: String) -> String {
  String(repeating: "0", count: 64 - ending.count) + ending
}

extension RollEntry {
  static func test(
    _ namespace: String, _ pod: String, _ container: String, id: String, podUID: String = "", hostNetwork: Bool = false
  ) -> RollEntry {
    RollEntry(
      reference: ContainerReference(namespace: namespace, pod: pod, container: container), podUID: podUID, containerID: id,
      hostNetwork: hostNetwork)
  }
}
