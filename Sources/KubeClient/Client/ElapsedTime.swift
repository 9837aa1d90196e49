internal import Synchronization

/// An injected clock, as time since it was injected.
struct ElapsedTime: Sendable {
  /// Only goes forward.
  let now: @Sendable () -> Duration
  /// - Throws: `CancellationError`.
  let sleep: @Sendable (Duration) async throws -> Void

  init(_ clock: some Clock<Duration>) {
    let start = clock.now
    now = { start.duration(to: clock.now) }
    sleep = { try await clock.sleep(for: $0) }
  }

  /// What `operation` gives; `nil` if that takes longer, or the task is cancelled. It is then cancelled and waited for.
  func limit<Result: Sendable>(_ duration: Duration, _ operation: @escaping @Sendable () async -> Result) async -> Result? {
    await withTaskGroup(of: Result?.self) { group in
      group.addTask { await operation() }
      group.addTask {
        // Woken early by cancellation, which comes from the operation's end or from outside: either way nobody waits for more.
        try? await sleep(duration)
        return nil
      }
      defer { group.cancelAll() }
      return await group.next() ?? nil
    }
  }

  /// What `operation` gives; `nil` if it shows no progress for so long, or the task is cancelled. It is then cancelled and waited for.
  ///
  /// However often there is progress, a timer is set once in this time: one for each step would cost more than many steps do, and the system keeps
  /// a timer until it is due even if nobody waits for it any more.
  func whileMoving<Result: Sendable>(
    pausingAtMost duration: Duration, _ operation: @escaping @Sendable (Progress) async -> Result
  ) async -> Result? {
    let progress = Progress(now())
    return await withTaskGroup(of: Result?.self) { group in
      group.addTask { await operation(progress) }
      group.addTask {
        var rest = duration
        while rest > .zero, !Task.isCancelled {
          // Woken early by cancellation, which ends the loop.
          try? await sleep(rest)
          rest = progress.last + duration - now()
        }
        return nil
      }
      defer { group.cancelAll() }
      return await group.next() ?? nil
    }
  }

  /// When something last happened.
  final class Progress: Sendable {
    private let moment: Mutex<Duration>

    init(_ now: Duration) { moment = Mutex(now) }

    var last: Duration { moment.withLock { $0 } }

    func made(at now: Duration) { moment.withLock { $0 = now } }
  }
}
