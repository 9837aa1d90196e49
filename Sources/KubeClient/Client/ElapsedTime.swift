internal import Synchronization

/// The time elapsed on an injected clock since this value was created.
struct ElapsedTime: Sendable {
  /// Monotonic.
  let now: @Sendable () -> Duration
  /// - Throws: `CancellationError`.
  let sleep: @Sendable (Duration) async throws -> Void

  init(_ clock: some Clock<Duration>) {
    let start = clock.now
    now = { start.duration(to: clock.now) }
    sleep = { try await clock.sleep(for: $0) }
  }

  /// Runs `operation`. Returns `nil` if it takes longer than `duration` or the task is cancelled; the operation is then cancelled and
  /// awaited.
  func withTimeout<Result: Sendable>(_ duration: Duration, _ operation: @escaping @Sendable () async -> Result) async -> Result? {
    await withTaskGroup(of: Result?.self) { group in
      group.addTask { await operation() }
      group.addTask {
        // Throws only on cancellation, either because `operation` finished or from outside.
        try? await sleep(duration)
        return nil
      }
      defer { group.cancelAll() }
      return await group.next() ?? nil
    }
  }

  /// Runs `operation`. Returns `nil` if it reports no progress for `duration` or the task is cancelled; the operation is then cancelled and
  /// awaited.
  ///
  /// Sets one timer per `duration`, however often there is progress: a timer for each step would cost more than a small step does, and the
  /// system keeps a timer until it is due.
  func withIdleTimeout<Result: Sendable>(
    _ duration: Duration, _ operation: @escaping @Sendable (Progress) async -> Result
  ) async -> Result? {
    let progress = Progress(now())
    return await withTaskGroup(of: Result?.self) { group in
      group.addTask { await operation(progress) }
      group.addTask {
        var rest = duration
        while rest > .zero, !Task.isCancelled {
          // Throws only on cancellation, which ends the loop.
          try? await sleep(rest)
          rest = progress.last + duration - now()
        }
        return nil
      }
      defer { group.cancelAll() }
      return await group.next() ?? nil
    }
  }

  /// The time of the last progress.
  final class Progress: Sendable {
    private let moment: Mutex<Duration>

    init(_ now: Duration) { moment = Mutex(now) }

    var last: Duration { moment.withLock { $0 } }

    func report(at now: Duration) { moment.withLock { $0 = now } }
  }
}
