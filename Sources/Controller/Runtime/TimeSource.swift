internal import AsyncPrimitives
internal import Primitives
package import Roll

/// A source of time: the system's clocks, or a manual clock in tests.
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

  /// Sleeps, but returns early if the task is cancelled. For loops whose condition is `!Task.isCancelled`.
  package func pause(for duration: Duration) async {
    try? await sleep(for: duration)
  }
}

/// The system's clocks. Moments count from the creation of this value, by a clock that continues while the machine is suspended: containers
/// not collected in that time are overdue as well.
package struct SystemTime: TimeSource {
  private let start = ContinuousClock.now

  package init() {}

  package func reading() -> ClockReading {
    let elapsed = start.duration(to: .now)
    return ClockReading(moment: Moment(milliseconds: elapsed.wholeMilliseconds), unixMilliseconds: Timestamp.now.unixMilliseconds)
  }

  package func sleep(until moment: Moment) async throws {
    // The tolerance lets the kernel coalesce timers.
    try await Task.sleep(until: start + .milliseconds(moment.milliseconds), tolerance: .milliseconds(10), clock: .continuous)
  }
}

extension Wakeup {
  /// Waits for the next signal, but not beyond `moment`.
  /// - Returns: whether there was a signal.
  func wait(until moment: Moment, time: any TimeSource) async -> Bool {
    await wait(orUntil: { try await time.sleep(until: moment) })
  }
}
