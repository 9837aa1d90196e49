package import Roll

/// What the agent tells of itself on its page.
package struct AgentState: Hashable, Sendable {
  package var version: String
  package var sweeps: UInt64
  /// Of all sweeps together.
  package var cost: SweepCost
  package var answers: AnswerCounts

  package init(version: String, sweeps: UInt64, cost: SweepCost = SweepCost(), answers: AnswerCounts) {
    self.version = version
    self.sweeps = sweeps
    self.cost = cost
    self.answers = answers
  }
}

/// How often each answer was given.
package struct AnswerCounts: Hashable, Sendable {
  /// The reasons that an agent can give; each has a series from the start, so that a rate sees its first increase.
  static let reasons: [Reason] = [.permissionDenied, .pidNotFound, .unknown]

  private var collected: UInt64 = 0
  private var missed: [Reason: UInt64] = [:]

  package init() {}

  package mutating func add(_ answers: [AgentAnswer]) {
    for answer in answers {
      if let reason = answer.reason { missed[reason, default: 0] += 1 } else { collected += 1 }
    }
  }

  var byLabel: [(String, UInt64)] {
    [("Collected", collected)] + Self.reasons.map { ($0.rawValue, missed[$0] ?? 0) }
  }
}
