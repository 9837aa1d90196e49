package import Roll

/// Calls the roll of one node once, for one source.
package protocol NodeCollector: Sendable {
  /// Returns one answer for each entry of the roll, in its order. Never throws: a failure is the answer of the containers it affects.
  /// Ends early when the task is cancelled; the answers are then meaningless.
  func call(_ roll: NodeRoll) async -> RollCall
}

extension NodeRoll {
  /// The call with these answers, one for each entry. If the API server reports the node as not ready, that is the reason of every miss, and
  /// the detail keeps the reason found.
  func answered(_ answers: [Answer], lastScrape: LastScrape) -> RollCall {
    assert(answers.count == entries.count, "one answer for each entry")
    guard !nodeReady else { return RollCall(answers: answers, lastScrape: lastScrape) }
    let explained = answers.map { answer in
      guard case .missed(let reason, let detail) = answer else { return answer }
      return .missed(.nodeNotReady, detail: "the node is not ready; \(reason.rawValue): \(detail)")
    }
    return RollCall(answers: explained, lastScrape: lastScrape)
  }

  /// The call in which every entry was missed for the same reason.
  package func missed(_ miss: Miss, lastScrape: LastScrape) -> RollCall {
    answered(Array(repeating: miss.answer, count: entries.count), lastScrape: lastScrape)
  }
}

/// A failure that can affect several containers.
package struct Miss: Error, Hashable {
  package var reason: Reason
  package var detail: String

  package init(_ reason: Reason, _ detail: String) {
    self.reason = reason
    self.detail = detail
  }

  var answer: Answer { .missed(reason, detail: detail) }
}
