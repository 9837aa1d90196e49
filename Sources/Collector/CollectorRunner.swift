package import Roll

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
      return (call, CollectionRecord(of: call, source: roll.source, duration: start.duration(to: clock.now)))
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
  /// Number of missed containers by reason.
  package var missed: [Reason: Int]

  package init(source: Source, duration: Duration, collected: Int, missed: [Reason: Int]) {
    self.source = source
    self.duration = duration
    self.collected = collected
    self.missed = missed
  }

  init(of call: RollCall, source: Source, duration: Duration) {
    self.init(source: source, duration: duration, collected: 0, missed: [:])
    for answer in call.answers {
      switch answer {
      case .collected: collected += 1
      case .missed(let reason, _): missed[reason, default: 0] += 1
      case .exempt: break
      }
    }
  }
}
