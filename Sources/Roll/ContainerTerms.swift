/// What the policies of the cluster say about containers on the roll. Nothing that is not said here differs from the settings.
///
/// A reference: thousands of containers have the same terms.
package final class ContainerTerms: Sendable {
  /// The names of the policies that select the containers, in order of precedence.
  package let policies: [String]
  /// Maximum age of a collection or a scrape; `nil` for that of the settings.
  package let threshold: Duration?
  /// `nil` if the settings say whether scrapes are expected.
  package let scraping: ScrapingTerm?
  package let alerts: AlertTerms

  package init(
    policies: [String] = [], threshold: Duration? = nil, scraping: ScrapingTerm? = nil, alerts: AlertTerms = AlertTerms()
  ) {
    self.policies = policies
    self.threshold = threshold
    self.scraping = scraping
    self.alerts = alerts
  }
}

/// Whether Prometheus must scrape a container.
package enum ScrapingTerm: String, CaseIterable, Hashable, Sendable {
  /// Whatever the container asks for must be scraped, and it must ask.
  case required = "Required"
  /// No gap is opened for a missing scrape.
  case notRequired = "NotRequired"
}

/// What alerts about a container have in addition.
package struct AlertTerms: Hashable, Sendable {
  /// The label `severity`; `nil` for the usual one.
  package var severity: String?
  package var labels: [String: String]

  package init(severity: String? = nil, labels: [String: String] = [:]) {
    self.severity = severity
    self.labels = labels
  }

  package var isEmpty: Bool { severity == nil && labels.isEmpty }
}

extension AlertTerms: Comparable {
  package static func < (left: AlertTerms, right: AlertTerms) -> Bool {
    left.inOrder.lexicographicallyPrecedes(right.inOrder)
  }

  private var inOrder: [String] {
    if isEmpty { return [] }
    return [severity ?? ""] + labels.sorted { $0.key < $1.key }.flatMap { [$0.key, $0.value] }
  }
}

extension ContainerTerms: Hashable {
  package static func == (left: ContainerTerms, right: ContainerTerms) -> Bool {
    left === right
      || left.policies == right.policies && left.threshold == right.threshold && left.scraping == right.scraping
        && left.alerts == right.alerts
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(policies)
    hasher.combine(threshold)
    hasher.combine(scraping)
    hasher.combine(alerts)
  }
}

/// The terms of the entries of one roll. Empty, and free of charge, where no policy selects any of them.
package struct RollTerms: Hashable, Sendable {
  private var distinct: [ContainerTerms] = []
  /// For each entry the index in `distinct` plus one, or 0.
  private var indexes: [UInt16] = []

  package init() {}

  package var isEmpty: Bool { distinct.isEmpty }

  package subscript(position: Int) -> ContainerTerms? {
    guard position < indexes.count, indexes[position] > 0 else { return nil }
    return distinct[Int(indexes[position]) - 1]
  }

  /// The least threshold of all; `nil` if none has its own.
  package var leastThreshold: Duration? { distinct.lazy.compactMap(\.threshold).min() }

  /// Whether any says whether scrapes are expected.
  package var decideScrapes: Bool { distinct.contains { $0.scraping != nil } }

  /// Sets the terms of the next entries, in the order of the roll.
  package mutating func append(_ terms: ContainerTerms?, entries count: Int) {
    var index: UInt16 = 0
    if let terms {
      if let known = distinct.lastIndex(where: { $0 == terms }) {
        index = UInt16(known + 1)
      } else if distinct.count < Int(UInt16.max) {
        distinct.append(terms)
        index = UInt16(distinct.count)
      }
    }
    indexes.append(contentsOf: repeatElement(index, count: count))
  }

  /// Without any terms, also without memory for each entry.
  package mutating func close() {
    if distinct.isEmpty { indexes = [] }
  }
}
