/// The roll of one node: the containers that its node task calls.
package struct NodeRoll: Hashable, Sendable {
  package var node: String
  package var source: Source
  /// An IP address or a DNS name; `nil` if the Node has none.
  package var address: String?
  /// The node's `Ready` condition; true without one.
  package var nodeReady: Bool
  /// The containers to call, sorted by namespace, pod and container.
  package var entries: RollEntries
  /// The containers that are not called.
  package var exempt: [ExemptEntry]
  /// A hash of `entries` without `notDue`. Equal entries have equal hashes, also across restarts of the controller.
  package var hash: String
  /// Why all containers of the node are exempt. The node is then neither called nor a target; `nil` for most nodes.
  package var exemption: Exemption?
  /// Set if the node is not called because another one has its address: the name of that node. The containers stay on the roll.
  package var addressHolder: String?
  /// What policies say about the entries.
  package var terms = RollTerms()
  /// The number of containers, called or exempt, that each combination of policies selects. The names are in order of precedence.
  package var selections: [[String]: Int] = [:]

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

  /// Creates a roll from unpacked entries.
  package init(
    node: String, source: Source, address: String?, nodeReady: Bool, entries: [RollEntry], exempt: [ExemptEntry], hash: String
  ) {
    self.init(
      node: node, source: source, address: address, nodeReady: nodeReady, entries: RollEntries(entries), exempt: exempt, hash: hash)
  }
}

/// A container's result in one roll call.
package enum Answer: Hashable, Sendable {
  /// Collected, `age` before the answer was received. An age does not depend on the clocks of controller and node being in sync.
  case collected(age: Duration)
  /// Not collected. The detail says what was attempted and how it failed, for display only.
  case missed(Reason, detail: String)
  /// Cannot be collected by design. Holds for the lifetime of the container instance, unless it is collected after all.
  case exempt(Exemption)
}

/// The result of calling one node's roll once.
package struct RollCall: Sendable {
  /// One per entry of the roll, in the same order.
  package var answers: [Answer]
  /// When Prometheus last scraped this node's data, if the source observes that.
  package var lastScrape: LastScrape

  package init(answers: [Answer], lastScrape: LastScrape) {
    self.answers = answers
    self.lastScrape = lastScrape
  }
}

/// When a node's data was last scraped.
package enum LastScrape: Hashable, Sendable {
  /// The source does not know who scrapes its data, as with windows_exporter or a pod's own endpoint.
  case notObservable
  /// By the settings, nothing scrapes the source's data. Ends open `unscraped` gaps.
  case notExpected
  /// Not scraped since the source started.
  case never
  case ago(Duration)
}

/// How the containers of a node are collected.
package enum Source: String, CaseIterable, Codable, Hashable, Sendable {
  /// By `rollcall-agent` on the node, which reads `/proc/<pid>/net`.
  case linux
  /// From the node's windows_exporter or the kubelet's summary.
  case windows
  /// From each pod's own cAdvisor endpoint, since a virtual node has no host.
  case virtual
}
