// The messages between controller and agent: JSON over `POST /v1/roll`. They are defined here because both executables link this module.

/// The request. The agent responds with 200 and a `RollReport`, or with 409 if it does not hold the roll with this hash. The controller
/// then repeats the request with `entries`.
package struct RollRequest: Codable, Hashable, Sendable {
  package var node: String
  package var hash: String
  /// Sent only if the roll changed or the agent responded with 409.
  package var entries: [RollEntry]?
  /// Whether the report should include `sockets`; absent means no.
  package var wantsSockets: Bool?

  package init(node: String, hash: String, entries: [RollEntry]?, wantsSockets: Bool? = nil) {
    self.node = node
    self.hash = hash
    self.entries = entries
    self.wantsSockets = wantsSockets
  }
}

/// The response to a `RollRequest`.
package struct RollReport: Codable, Hashable, Sendable {
  /// The hash of the roll that was called.
  package var hash: String
  /// One per entry of the roll, in the same order.
  package var answers: [AgentAnswer]
  /// Seconds since `/metrics` was last served completely; absent if it never was.
  package var secondsSinceScrape: Double?
  /// If requested: the pods on the roll that were found and have a network namespace of their own.
  package var sockets: [PodSockets]?

  package init(hash: String, answers: [AgentAnswer], secondsSinceScrape: Double?, sockets: [PodSockets]? = nil) {
    self.hash = hash
    self.answers = answers
    self.secondsSinceScrape = secondsSinceScrape
    self.sockets = sockets
  }
}

/// The socket counts of a pod. Counts that need a newer kernel or a missing capability of the agent are absent.
package struct PodSockets: Codable, Hashable, Sendable {
  package var namespace: String
  package var pod: String
  /// TCP connections in ESTABLISHED or CLOSE_WAIT.
  package var established: Int64?
  /// Listening and connected TCP sockets, without TIME_WAIT.
  package var inUse: Int64?
  package var timeWait: Int64?
  /// TCP connections that no process holds open.
  package var orphans: Int64?
  /// Sockets of all protocols.
  package var total: Int64?
  /// Bound UDP sockets.
  package var udp: Int64?

  package init(namespace: String, pod: String) {
    self.namespace = namespace
    self.pod = pod
  }
}

/// One container's answer: either `age`, or `reason` and `detail`.
package struct AgentAnswer: Codable, Hashable, Sendable {
  /// Seconds between the collection of the container and this report.
  package var age: Double?
  package var reason: Reason?
  package var detail: String?

  package static func collected(age: Double) -> AgentAnswer {
    AgentAnswer(age: age, reason: nil, detail: nil)
  }

  package static func missed(_ reason: Reason, detail: String) -> AgentAnswer {
    AgentAnswer(age: nil, reason: reason, detail: detail)
  }
}
