package import KubeClient
package import Roll

/// A gap that has closed, or several of one node that closed together for the same cause.
package struct EndedGap: Hashable, Sendable {
  /// The number of gaps.
  package var count: Int
  /// The oldest of them.
  package var container: ContainerReference
  /// Of the container's Pod; `nil` if it had none, or was gone.
  package var workload: Workload?
  package var node: String
  package var source: Source
  package var kind: GapKind
  /// The last reason.
  package var reason: Reason
  package var detail: String
  /// Milliseconds since 1970-01-01T00:00:00Z, both.
  package var sinceUnixMilliseconds: Int64
  package var endUnixMilliseconds: Int64
  package var end: GapEnd
}

/// The last gaps that have closed, oldest first, bounded in number and in bytes. Pure.
package struct GapHistory: Sendable {
  /// The number of entries; the oldest beyond it are dropped.
  package static let limit = 1000
  /// The length of a kept detail.
  static let detailBytes = 200

  package private(set) var ended: [EndedGap] = []
  /// Changes with `ended`.
  private(set) var revision = 0

  package init() {}

  /// Adds the gaps that closed. More than three of a node with the same cause are one entry, so that a node that recovers does not push out
  /// everything before it.
  mutating func add(_ transitions: [GapTransition], at reading: ClockReading, workload: (ContainerReference) -> Workload?) {
    var order: [Cause] = []
    var closed: [Cause: [GapTransition]] = [:]
    for transition in transitions {
      guard let cause = Cause(transition) else { continue }
      if closed[cause] == nil { order.append(cause) }
      closed[cause, default: []].append(transition)
    }
    for cause in order {
      let transitions = closed[cause] ?? []
      let groups = transitions.count > GapLog.linesOfANode ? [transitions] : transitions.map { [$0] }
      for group in groups {
        guard let oldest = group.min(by: { $0.gap.since < $1.gap.since }) else { continue }
        append(
          EndedGap(
            count: group.count, container: oldest.gap.container, workload: workload(oldest.gap.container), node: cause.node,
            source: cause.source, kind: cause.kind, reason: cause.reason, detail: Self.short(oldest.gap.detail),
            sinceUnixMilliseconds: reading.unixMilliseconds(of: oldest.gap.since),
            endUnixMilliseconds: reading.unixMilliseconds(of: oldest.at), end: cause.end))
      }
    }
    cut()
  }

  mutating func append(contentsOf newer: GapHistory) {
    ended += newer.ended
    revision += newer.ended.count
    cut()
  }

  /// Puts what an earlier leader saved before what has ended since.
  mutating func restore(_ earlier: [EndedGap]) {
    guard !earlier.isEmpty else { return }
    ended = earlier + ended
    cut()
  }

  private mutating func append(_ gap: EndedGap) {
    ended.append(gap)
    revision += 1
  }

  private mutating func cut() { ended.removeFirst(max(ended.count - Self.limit, 0)) }

  private static func short(_ text: String) -> String {
    text.utf8.count <= detailBytes ? text : String(decoding: text.utf8.prefix(detailBytes), as: UTF8.self) + "…"
  }

  /// What gaps of one entry have in common.
  private struct Cause: Hashable {
    var node: String
    var source: Source
    var kind: GapKind
    var reason: Reason
    var end: GapEnd

    /// `nil` for a gap that opened.
    init?(_ transition: GapTransition) {
      guard case .closed(let end, _) = transition.change else { return nil }
      self.end = end
      node = transition.gap.node
      source = transition.gap.source
      kind = transition.gap.kind
      reason = transition.gap.reason
    }
  }
}
