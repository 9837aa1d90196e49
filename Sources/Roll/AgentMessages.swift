// What the controller and the agent say to each other, as JSON over `POST /v1/roll`. Both executables link this module and nothing
// else of each other's, so the format stands here.

/// The request. Answered with 200 and a `RollReport`, or with 409 if the agent does not hold the roll that `hash` names: then the
/// controller says it again with `entries`.
package struct RollRequest: Codable, Hashable, Sendable {
  package var node: String
  package var hash: String
  /// Only when the roll changed, or the agent asked for it.
  package var entries: [RollEntry]?
  /// Whether the report is to have `sockets`; absent means no.
  package var wantsSockets: Bool?

  package init(node: String, hash: String, entries: [RollEntry]?, wantsSockets: Bool? = nil) {
    self.node = node
    self.hash = hash
    self.entries = entries
    self.wantsSockets = wantsSockets
  }
}

/// The response.
package struct RollReport: Codable, Hashable, Sendable {
  /// The roll that was called.
  package var hash: String
  /// One for each entry of the roll, in its order.
  package var answers: [AgentAnswer]
  /// Seconds since `/metrics` was last served in full; absent if it never was.
  package var secondsSinceScrape: Double?
  /// Where they were asked for, of the pods on the roll that were found and are not in the host's network.
  package var sockets: [PodSockets]?

  package init(hash: String, answers: [AgentAnswer], secondsSinceScrape: Double?, sockets: [PodSockets]? = nil) {
    self.hash = hash
    self.answers = answers
    self.secondsSinceScrape = secondsSinceScrape
    self.sockets = sockets
  }
}

/// How many sockets a pod has. What the node's kernel or the agent's capabilities do not tell is absent.
package struct PodSockets: Codable, Hashable, Sendable {
  package var namespace: String
  package var pod: String
  /// TCP connections in ESTABLISHED or CLOSE_WAIT.
  package var established: Int64?
  /// TCP sockets that listen and connections, without TIME_WAIT.
  package var inUse: Int64?
  package var timeWait: Int64?
  /// TCP connections that no process holds any more.
  package var orphans: Int64?
  /// Sockets of every kind.
  package var total: Int64?
  /// UDP sockets that are bound.
  package var udp: Int64?

  package init(namespace: String, pod: String) {
    self.namespace = namespace
    self.pod = pod
  }
}

/// One container's answer: either an age, or a reason with its detail.
package struct AgentAnswer: Codable, Hashable, Sendable {
  /// Seconds between the reading of the container's numbers and this report.
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
