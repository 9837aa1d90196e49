package import Roll

/// An open gap as it survives a restart: with the time of day where it begins, and the instance that it belongs to.
package struct OpenGap: Hashable, Sendable {
  package var container: ContainerReference
  package var podUID: String
  /// Empty where the node gives none; may be cut to its first 16 digits.
  package var containerID: String
  package var node: String
  package var source: Source
  package var kind: GapKind
  package var reason: Reason
  /// Milliseconds since 1970-01-01T00:00:00Z.
  package var sinceUnixMilliseconds: Int64

  package init(
    container: ContainerReference, podUID: String, containerID: String, node: String, source: Source, kind: GapKind, reason: Reason,
    sinceUnixMilliseconds: Int64
  ) {
    self.container = container
    self.podUID = podUID
    self.containerID = containerID
    self.node = node
    self.source = source
    self.kind = kind
    self.reason = reason
    self.sinceUnixMilliseconds = sinceUnixMilliseconds
  }

  /// The first digits of a container ID, all random: enough to tell the runs of one container in one pod apart.
  static let shortIDLength = 16

  /// The same with the ID of its container cut.
  var withShortContainerID: OpenGap {
    var gap = self
    gap.containerID = String(containerID.prefix(Self.shortIDLength))
    return gap
  }

  func isInstance(_ entry: RollEntry) -> Bool {
    var gap = RollEntry(reference: container, podUID: podUID, containerID: containerID, hostNetwork: false)
    if containerID.utf8.count == Self.shortIDLength, entry.containerID.hasPrefix(containerID) { gap.containerID = entry.containerID }
    return gap.isSameInstance(as: entry)
  }
}
