/// An injected clock, as time since it was injected.
struct LocalTime: Sendable {
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
}
