/// The roll of one node: what one node task calls.
package struct NodeRoll: Hashable, Sendable {
  package var node: String
  package var source: Source
  /// Where the node is reached: an IP address, or a DNS name. `nil` if the API server knows none.
  package var address: String?
  /// What the node's `Ready` condition says; a node without the condition counts as ready.
  package var nodeReady: Bool
  /// In a stable order: by namespace, pod and container.
  package var entries: RollEntries
  package var exempt: [ExemptEntry]
  /// Changes whenever `entries` change; equal content has an equal hash, also across restarts of the controller.
  package var hash: String

  package init(
    node: String, source: Source, address: String?, nodeReady: Bool, entries: RollEntries, exempt: [ExemptEntry], hash: String
  ) {
    self.node = node
    self.source = source
    self.address = address
    self.nodeReady = nodeReady
    self.entries = entries
    self.exempt = exempt
    self.hash = hash
  }

  /// The same from entries as text.
  package init(
    node: String, source: Source, address: String?, nodeReady: Bool, entries: [RollEntry], exempt: [ExemptEntry], hash: String
  ) {
    self.init(
      node: node, source: source, address: address, nodeReady: nodeReady, entries: RollEntries(entries), exempt: exempt, hash: hash)
  }
}

/// What one container said when the roll was called.
package enum Answer: Hashable, Sendable {
  /// Collected, `age` before the answer was received: differences survive clocks that disagree, times of day do not.
  case collected(age: Duration)
  /// Not collected. The detail is for people: what was tried, on what, and what came of it.
  case missed(Reason, detail: String)
  /// Found to be one that cannot be collected. It stays so for as long as this container lives, unless it is collected after all.
  case exempt(Exemption)
}

/// What came of calling one node's roll once.
package struct RollCall: Sendable {
  /// One for each entry of the roll that was called, in its order.
  package var answers: [Answer]
  /// How long ago Prometheus last fetched the data of this node, where the source can tell.
  package var lastScrape: LastScrape

  package init(answers: [Answer], lastScrape: LastScrape) {
    self.answers = answers
    self.lastScrape = lastScrape
  }
}

/// When a node's data was last scraped.
package enum LastScrape: Hashable, Sendable {
  /// The source does not see who reads its data (a Windows exporter, a pod's own endpoint).
  case notObservable
  /// It sees, and nobody came since it started.
  case never
  case ago(Duration)
}
