package import Roll

/// Calls the roll of one node once, in the way of one source.
package protocol NodeCollector: Sendable {
  /// One outcome for each entry of the roll, in its order. Never throws: a failure is the outcome of the containers that it concerns.
  /// Ends early when the task is cancelled; the answers are then worth nothing.
  func call(_ roll: NodeRoll) async -> RollCall
}

extension NodeRoll {
  /// The call with these answers, one for each entry. A container that was missed while the API server says that its node is not ready
  /// is missed for that reason; what was found instead stays in the detail.
  func answered(_ answers: [Answer], lastScrape: LastScrape) -> RollCall {
    assert(answers.count == entries.count, "one outcome for each entry")
    guard !nodeReady else { return RollCall(answers: answers, lastScrape: lastScrape) }
    let explained = answers.map { outcome in
      guard case .missed(let reason, let detail) = outcome else { return outcome }
      return .missed(.nodeNotReady, detail: "the node is not ready; \(reason.rawValue): \(detail)")
    }
    return RollCall(answers: explained, lastScrape: lastScrape)
  }

  /// The call in which every entry was missed for one reason.
  package func missed(_ miss: Miss, lastScrape: LastScrape) -> RollCall {
    answered(Array(repeating: miss.outcome, count: entries.count), lastScrape: lastScrape)
  }
}

/// Why something that concerns several containers failed.
package struct Miss: Error, Hashable {
  package var reason: Reason
  package var detail: String

  package init(_ reason: Reason, _ detail: String) {
    self.reason = reason
    self.detail = detail
  }

  var outcome: Answer { .missed(reason, detail: detail) }
}
