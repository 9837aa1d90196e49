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
}
