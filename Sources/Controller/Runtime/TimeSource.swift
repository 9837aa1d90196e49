internal import FoundationEssentials
package import Roll

/// Where the time comes from: the system's clocks, or a test's hand.
package protocol TimeSource: Sendable {
  /// Both clocks, read together.
  func reading() -> ClockReading
  /// - Throws: `CancellationError` if the task is cancelled first.
  func sleep(until moment: Moment) async throws
}

extension TimeSource {
  package var now: Moment { reading().moment }

  /// - Throws: `CancellationError` if the task is cancelled first.
  package func sleep(for duration: Duration) async throws {
    try await sleep(until: now + duration)
  }
}

/// The system's clocks. Moments count from when this value was made, by a clock that goes on while the machine is suspended: what
/// was not collected meanwhile is overdue all the same.
package struct SystemTime: TimeSource {
  private let start = ContinuousClock.now

  package init() {}

  package func reading() -> ClockReading {
    let elapsed = start.duration(to: .now)
    let wall = Date.now.timeIntervalSince1970
    return ClockReading(
      moment: Moment(milliseconds: elapsed.wholeMilliseconds), unixMilliseconds: Int64((wall * 1000).rounded(.down)))
  }

  package func sleep(until moment: Moment) async throws {
    // Some tolerance lets the system wake up once for many.
    try await Task.sleep(until: start + .milliseconds(moment.milliseconds), tolerance: .milliseconds(10), clock: .continuous)
  }
}

extension Wakeup {
  /// Waits for the next signal, until `moment` at the latest.
  /// - Returns: whether there was a signal.
  func wait(until moment: Moment, time: any TimeSource) async -> Bool {
    await withTaskGroup(of: Bool.self) { group in
      group.addTask { await self.wait() }
      group.addTask {
        // A cancelled sleep is no failure: the caller checks for cancellation itself.
        try? await time.sleep(until: moment)
        return false
      }
      var wasSignalled = await group.next() ?? false
      group.cancelAll()
      for await result in group where result { wasSignalled = true }
      return wasSignalled
    }
  }
}
