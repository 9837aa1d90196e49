package import Roll

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
