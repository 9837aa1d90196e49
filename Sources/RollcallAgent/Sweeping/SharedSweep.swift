import LinuxCollector
import NIOPosix
import Roll
import Synchronization

/// Sweeps when somebody asks, one at a time: those who ask while a sweep runs share it, and those who ask soon after are given the last.
///
/// A sweep waits for files, so it has a thread of its own and never keeps the event loop or the cooperative pool.
final class SharedSweep: Sendable {
  /// A scrape and a roll call of the same interval come within this time of each other and need not both read everything.
  static let reusable: Duration = .seconds(1)

  private struct State {
    var last: Sweep?
    var finishedAt = Moment(milliseconds: .min)
    var count: UInt64 = 0
    /// Those who wait for the sweep that runs; `nil` while none does.
    var waiting: [CheckedContinuation<Sweep, Never>]?
  }

  private let state = Mutex(State())
  private let sweeper: Mutex<LinuxSweeper>
  private let thread: NIOThreadPool
  private let now: @Sendable () -> Moment

  /// - Parameter thread: started, and running for as long as this is asked.
  init(sweeper: consuming sending LinuxSweeper, thread: NIOThreadPool, now: @escaping @Sendable () -> Moment) {
    self.sweeper = Mutex(sweeper)
    self.thread = thread
    self.now = now
  }

  /// How many sweeps there were.
  var count: UInt64 {
    state.withLock { $0.count }
  }

  /// How many wait for the sweep that runs.
  var waiting: Int {
    state.withLock { $0.waiting?.count ?? 0 }
  }

  /// A sweep that is at most `reusable` old when it is given. It is not cut short by cancellation: others may wait for the same one.
  func current() async -> Sweep {
    await withCheckedContinuation { continuation in
      let now = now()
      enum Next {
        case give(Sweep)
        case start
        case wait
      }
      let next: Next = state.withLock { state in
        if state.waiting != nil {
          state.waiting?.append(continuation)
          return .wait
        }
        if let last = state.last, now - state.finishedAt < Self.reusable { return .give(last) }
        state.waiting = [continuation]
        return .start
      }
      switch next {
      case .give(let sweep): continuation.resume(returning: sweep)
      case .start: thread.submit { _ in self.sweep() }
      case .wait: break
      }
    }
  }

  private func sweep() {
    let sweep = sweeper.withLock { $0.sweep() }
    let finishedAt = now()
    let waiting = state.withLock { state in
      state.last = sweep
      state.finishedAt = finishedAt
      state.count += 1
      defer { state.waiting = nil }
      return state.waiting ?? []
    }
    for continuation in waiting {
      continuation.resume(returning: sweep)
    }
  }
}
