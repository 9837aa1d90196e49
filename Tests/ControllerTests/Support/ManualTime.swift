import Controller
import Roll
import Synchronization

/// A clock that a test advances. The wall clock can be set independently.
final class ManualTime: TimeSource {
  private struct Sleeper {
    var until: Moment
    var continuation: CheckedContinuation<Void, any Error>
  }

  private struct State {
    var now = Moment(milliseconds: 0)
    var wallOffset: Int64 = 1_700_000_000_000
    var sleepers: [Int: Sleeper] = [:]
    var next = 0
  }

  private let state = Mutex(State())

  func reading() -> ClockReading {
    state.withLock { ClockReading(moment: $0.now, unixMilliseconds: $0.now.milliseconds + $0.wallOffset) }
  }

  var sleepers: Int { state.withLock { $0.sleepers.count } }

  func setWallClock(back duration: Duration) {
    state.withLock { $0.wallOffset -= duration.wholeMilliseconds }
  }

  func advance(by duration: Duration) {
    let due = state.withLock { state in
      state.now = state.now + duration
      let due = state.sleepers.filter { $0.value.until <= state.now }
      for key in due.keys { state.sleepers[key] = nil }
      return due.values.map(\.continuation)
    }
    for continuation in due { continuation.resume() }
  }

  func sleep(until moment: Moment) async throws {
    let number = state.withLock { state in
      defer { state.next += 1 }
      return state.next
    }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
        let result = state.withLock { state -> Result<Void, any Error>? in
          if Task.isCancelled { return .failure(CancellationError()) }
          if moment <= state.now { return .success(()) }
          state.sleepers[number] = Sleeper(until: moment, continuation: continuation)
          return nil
        }
        if let result { continuation.resume(with: result) }
      }
    } onCancel: {
      state.withLock { $0.sleepers.removeValue(forKey: number) }?.continuation.resume(throwing: CancellationError())
    }
  }
}
