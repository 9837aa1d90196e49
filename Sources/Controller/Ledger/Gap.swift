package import Roll

/// What is missing.
package enum GapKind: String, CaseIterable, Codable, Hashable, Sendable {
  /// No collection within the threshold.
  case uncollected
  /// Collected, and not fetched by Prometheus within the threshold.
  case unscraped
}

/// A due container whose last collection or last scrape is older than the threshold.
package struct Gap: Hashable, Sendable {
  package var container: ContainerReference
  package var node: String
  package var source: Source
  package var kind: GapKind
  /// The newest reason; it may change while the gap is open.
  package var reason: Reason
  /// For people: what was tried, on what, and what came of it. May be empty.
  package var detail: String
  /// Where the gap begins: the last collection (or scrape), or the moment when the container was due if there was none. It stands
  /// still while the gap is open, and lies a threshold before the gap was opened.
  package var since: Moment

  package init(
    container: ContainerReference, node: String, source: Source, kind: GapKind, reason: Reason, detail: String, since: Moment
  ) {
    self.container = container
    self.node = node
    self.source = source
    self.kind = kind
    self.reason = reason
    self.detail = detail
    self.since = since
  }
}

/// A gap that opened or closed.
package struct GapTransition: Hashable, Sendable {
  package enum Change: Hashable, Sendable {
    case opened
    /// `after` is the whole length of the gap, from its `since`.
    case closed(GapEnd, after: Duration)
  }

  package var gap: Gap
  package var change: Change
  package var at: Moment

  package init(gap: Gap, change: Change, at: Moment) {
    self.gap = gap
    self.change = change
    self.at = at
  }
}

/// Why a gap closed. Only `recovered` says that the container is seen again.
package enum GapEnd: Hashable, Sendable {
  /// Collected (scraped) again.
  case recovered
  /// The container is no longer expected: its pod or node is gone, or its pod moved.
  case leftRoll
  /// The container is still there and need not be collected any more.
  case exempt(Exemption)
  /// Another instance runs under the same name: the pod was made anew, or the container restarted.
  case replaced
  /// An `unscraped` gap that became an `uncollected` one, or whose source does not see scrapes.
  case superseded
}

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
