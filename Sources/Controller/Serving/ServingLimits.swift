/// What clients may take of the server, whoever they are (R63).
package struct ServingLimits: Hashable, Sendable {
  /// Connections at once; who comes next waits. A Prometheus server keeps one for each target, and there may be a target of ours for each
  /// Windows node and each virtual node: two servers with 5,000 of them, and room.
  package var connections = 16_384
  /// How long a connection may be without a request. Longer than scrape intervals are, so that a scraper keeps its connection.
  package var idle: Duration = .seconds(300)
  /// How long a client may take to read an answer that is made while it is sent. The answer holds on to the ledger as it was at its
  /// beginning, and no scrape lasts this long.
  package var answer: Duration = .seconds(300)

  package init() {}
}
