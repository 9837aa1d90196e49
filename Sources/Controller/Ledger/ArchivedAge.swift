package import Roll

/// The time without a collection or a scrape of one container, in the form that survives a restart: with the wall-clock time of its
/// beginning and the UID of the pod. Open gaps, and the ages that may become gaps.
package struct ArchivedAge: Hashable, Sendable {
  package var container: ContainerReference
  package var podUID: String
  package var node: String
  package var source: Source
  package var kind: GapKind
  package var reason: Reason
  /// Milliseconds since 1970-01-01T00:00:00Z.
  package var sinceUnixMilliseconds: Int64
  /// Whether it is a gap already.
  package var isOpen: Bool
  /// Whether the container was collected since its last restart.
  package var isCollectedInRun: Bool

  package init(
    container: ContainerReference, podUID: String, node: String, source: Source, kind: GapKind, reason: Reason,
    sinceUnixMilliseconds: Int64, isOpen: Bool = true, isCollectedInRun: Bool = false
  ) {
    self.container = container
    self.podUID = podUID
    self.node = node
    self.source = source
    self.kind = kind
    self.reason = reason
    self.sinceUnixMilliseconds = sinceUnixMilliseconds
    self.isOpen = isOpen
    self.isCollectedInRun = isCollectedInRun
  }
}

/// The ages that are archived before they are gaps.
package struct ArchivePolicy: Hashable, Sendable {
  /// Ages without a collection over this are archived: one interval, so that a single missed call is enough.
  package var uncollected: Duration
  /// Ages without a scrape over this are archived.
  package var unscraped: Duration

  package init(uncollected: Duration, unscraped: Duration) {
    self.uncollected = uncollected
    self.unscraped = unscraped
  }
}
