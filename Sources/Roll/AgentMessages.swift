// The messages between controller and agent: JSON over `POST /v1/roll`. They are defined here because both executables link this module.

/// The request. The agent responds with 200 and a `RollReport`, or with 409 and a `RollConflict`.
package struct RollRequest: Codable, Hashable, Sendable {
  package var node: String
  package var hash: String
  /// Sent only if the roll changed or the agent responded with 409.
  package var entries: [RollEntry]?
  /// Whether the report should include `sockets`; absent means no.
  package var wantsSockets: Bool?
  /// Beginnings of the User-Agent of clients whose requests for `/metrics` count as scrapes; absent means those of `Scrapers.common`.
  package var scrapers: [String]?

  package init(node: String, hash: String, entries: [RollEntry]?, wantsSockets: Bool? = nil, scrapers: [String]? = nil) {
    self.node = node
    self.hash = hash
    self.entries = entries
    self.wantsSockets = wantsSockets
    self.scrapers = scrapers
  }
}

/// Why the agent did not call the roll: the body of a response with status 409.
package struct RollConflict: Codable, Hashable, Sendable {
  package enum Code: String, Codable, Sendable {
    /// The agent does not hold the roll with this hash. The controller repeats the request with `entries`. Agents that send no
    /// `RollConflict` with 409 mean this, too.
    case unknownRoll = "UnknownRoll"
    /// The agent runs on another node. Its own roll is unchanged.
    case wrongNode = "WrongNode"
  }

  package var code: Code
  /// For display only.
  package var detail: String

  package init(_ code: Code, detail: String) {
    self.code = code
    self.detail = detail
  }
}

/// The response to a `RollRequest`.
package struct RollReport: Codable, Hashable, Sendable {
  /// The hash of the roll that was called.
  package var hash: String
  /// One per entry of the roll, in the same order.
  package var answers: [AgentAnswer]
  /// Seconds since `/metrics` was last served completely to a scraper; absent if it never was.
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

/// One container's answer: either `age`, or `reason` and `detail`, the latter possibly with `exempt`.
package struct AgentAnswer: Codable, Hashable, Sendable {
  /// Seconds between the collection of the container and this report.
  package var age: Double?
  package var reason: Reason?
  package var detail: String?
  /// Set if the container cannot be collected by design. Controllers that do not know this member take the answer as a miss.
  package var exempt: Exemption?

  package static func collected(age: Double) -> AgentAnswer {
    AgentAnswer(age: age, reason: nil, detail: nil)
  }

  package static func exempt(_ exemption: Exemption, detail: String) -> AgentAnswer {
    AgentAnswer(age: nil, reason: .pidNotFound, detail: detail, exempt: exemption)
  }

  package static func missed(_ reason: Reason, detail: String) -> AgentAnswer {
    AgentAnswer(age: nil, reason: reason, detail: detail)
  }
}
