package import Roll

/// What scrapers and the objects that direct them say about a container that asks to be scraped and is not known to be.
package struct ScrapeFinding: Hashable, Sendable {
  package enum State: Hashable, Sendable {
    /// - Parameters:
    ///   - reason: one of `Reason.ofScrapes`.
    ///   - since: when it was first seen not to be scraped.
    case broken(Reason, detail: String, since: Moment)
    /// Nothing can be said now: a gap neither opens nor closes.
    case unknown
  }

  package var container: ContainerReference
  package var state: State

  package init(_ container: ContainerReference, _ state: State) {
    self.container = container
    self.state = state
  }
}

/// What is wrong with the scrapes of one container on the roll.
struct ScrapeTrouble: Hashable, Sendable {
  /// One of `Reason.ofScrapes`.
  var reason: Reason
  var detail: String
  var since: Moment
  /// Whether it was found now. Otherwise nothing can be said, and a gap neither opens nor closes.
  var isKnown: Bool

  var unknown: ScrapeTrouble { ScrapeTrouble(reason: reason, detail: detail, since: since, isKnown: false) }
}
