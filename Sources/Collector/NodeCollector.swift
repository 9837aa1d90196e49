package import Roll

/// Calls the roll of one node once, for one source.
package protocol NodeCollector: Sendable {
  /// Returns one answer for each entry of the roll, in its order. Never throws: a failure is the answer of the containers it affects.
  /// Ends early when the task is cancelled; the answers are then meaningless.
  func call(_ roll: NodeRoll) async -> RollCall
}

extension NodeRoll {
  /// The call with these answers, one for each entry. If the API server reports the node as not ready, that is the reason of every miss
  /// that only says that the node does not respond; the detail keeps the reason found. A node that responds, or a pod that is asked itself,
  /// is known better: its containers keep their reason, and whether that depends on the roll.
  func answered(_ answers: [Answer], lastScrape: LastScrape) -> RollCall {
    assert(answers.count == entries.count, "one answer for each entry")
    guard !nodeReady else { return RollCall(answers: answers, lastScrape: lastScrape) }
    let explained = answers.map { answer in
      guard case .missed(let reason, let detail) = answer, reason.isSilenceOfNode else { return answer }
      return .missed(.nodeNotReady, detail: "the node is not ready; \(reason.rawValue): \(detail)")
    }
    return RollCall(answers: explained, lastScrape: lastScrape)
  }

  /// A call that missed every entry for the same reason.
  package func missed(_ miss: Miss, lastScrape: LastScrape) -> RollCall {
    answered(Array(repeating: miss.answer, count: entries.count), lastScrape: lastScrape)
  }
}

extension Reason {
  /// Whether the miss says no more than that the node does not respond.
  fileprivate var isSilenceOfNode: Bool {
    switch self {
    case .noAgent, .agentUnreachable, .agentTimeout, .exporterUnreachable, .exporterTimeout, .unknown: true
    default: false
    }
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

/// Runs a collector and measures each call: its duration and its results.
package struct CollectorRunner: Sendable {
  private let collector: any NodeCollector
  private let clock: any Clock<Duration>

  package init(_ collector: any NodeCollector, clock: any Clock<Duration> = ContinuousClock()) {
    self.collector = collector
    self.clock = clock
  }

  /// Calls the roll once. Never throws. Ends early when the task is cancelled.
  package func call(_ roll: NodeRoll) async -> (call: RollCall, record: CollectionRecord) {
    // `Clock.measure` does not return the result of its closure.
    func measured(by clock: some Clock<Duration>) async -> (call: RollCall, record: CollectionRecord) {
      let start = clock.now
      let call = await collector.call(roll)
      return (call, CollectionRecord(of: call, roll, duration: start.duration(to: clock.now)))
    }
    return await measured(by: clock)
  }
}

/// Duration and results of one roll call, for metrics.
package struct CollectionRecord: Hashable, Sendable {
  package var source: Source
  package var duration: Duration
  /// Number of collected containers.
  package var collected: Int
  /// Number of missed containers by reason, of those that are due.
  package var missed: [Reason: Int]

  package init(source: Source, duration: Duration, collected: Int, missed: [Reason: Int]) {
    self.source = source
    self.duration = duration
    self.collected = collected
    self.missed = missed
  }

  init(of call: RollCall, _ roll: NodeRoll, duration: Duration) {
    self.init(source: roll.source, duration: duration, collected: 0, missed: [:])
    for (index, answer) in call.answers.enumerated() {
      switch answer {
      case .collected: collected += 1
      case .missed(let reason, _):
        if index >= roll.entries.count || roll.entries.notDue(at: index) == nil { missed[reason, default: 0] += 1 }
      case .exempt: break
      }
    }
  }
}
