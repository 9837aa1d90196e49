package import Roll

/// The kind of a gap.
package enum GapKind: String, CaseIterable, Codable, Hashable, Sendable {
  /// No collection within the threshold.
  case uncollected
  /// Collected, but not scraped by Prometheus within the threshold.
  case unscraped
}

/// A due container whose last collection or last scrape is older than the threshold.
package struct Gap: Hashable, Sendable {
  package var container: ContainerReference
  package var node: String
  package var source: Source
  package var kind: GapKind
  /// The latest reason; it may change while the gap is open.
  package var reason: Reason
  /// What was tried and how it failed, for display. May be empty.
  package var detail: String
  /// The beginning of the gap: the last collection (or scrape), or the moment when the container became due if there was none. It is fixed
  /// while the gap is open, and at least a threshold before the gap opened.
  package var since: Moment
  /// What policies say about the container; `nil` if none selects it.
  package var terms: ContainerTerms?

  package init(
    container: ContainerReference, node: String, source: Source, kind: GapKind, reason: Reason, detail: String, since: Moment,
    terms: ContainerTerms? = nil
  ) {
    self.container = container
    self.node = node
    self.source = source
    self.kind = kind
    self.reason = reason
    self.detail = detail
    self.since = since
    self.terms = terms
  }
}

/// A gap that opened or closed.
package struct GapTransition: Hashable, Sendable {
  package enum Change: Hashable, Sendable {
    case opened
    /// `after` is the length of the gap, counted from `Gap.since`.
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

/// Why a gap closed. Only `recovered` means that the container is collected (scraped) again.
package enum GapEnd: Hashable, Sendable {
  /// Collected (scraped) again.
  case recovered
  /// The container is no longer expected: its pod or node is gone, or its pod moved.
  case leftRoll
  /// The container still exists but need not be collected any more.
  case exempt(Exemption)
  /// A policy allows more time.
  case relaxed
  /// Another pod has the name: it was recreated.
  case replaced
  /// An `unscraped` gap that became an `uncollected` one, whose node changed its source, or whose data is no longer meant to be scraped. In
  /// the first case it reopens with its age if the container is collected again and still not scraped.
  case superseded
}
