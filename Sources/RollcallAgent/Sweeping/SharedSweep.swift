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
    var statistics = Statistics()
    /// Those who wait for the sweep that runs; `nil` while none does.
    var waiting: [CheckedContinuation<Sweep, Never>]?
  }

  private let state = Mutex(State())
  private let sweeper: Mutex<LinuxSweeper>
  private let thread: NIOThreadPool
  private let reuse: Duration
  private let now: @Sendable () -> Moment
  private let observe: @Sendable (Sweep) -> Void

  /// - Parameters:
  ///   - thread: started, and running for as long as this is asked.
  ///   - reuse: how old a sweep may be that is given once more.
  ///   - observe: is shown each sweep, on the thread.
  init(
    sweeper: consuming sending LinuxSweeper, thread: NIOThreadPool, reuse: Duration = SharedSweep.reusable,
    now: @escaping @Sendable () -> Moment, observe: @escaping @Sendable (Sweep) -> Void = { _ in }
  ) {
    self.sweeper = Mutex(sweeper)
    self.thread = thread
    self.reuse = reuse
    self.now = now
    self.observe = observe
  }

  /// All sweeps together.
  struct Statistics: Hashable {
    var count: UInt64 = 0
    var cost = SweepCost()
  }

  var statistics: Statistics {
    state.withLock { $0.statistics }
  }

  /// How many sweeps there were.
  var count: UInt64 { statistics.count }

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
        if let last = state.last, now - state.finishedAt < reuse { return .give(last) }
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

  /// Closes what is kept open from one sweep to the next and forgets the last one, where nobody has asked for so long.
  func release(idleFor limit: Duration) {
    let now = now()
    let isIdle = state.withLock { state in
      guard state.waiting == nil, state.last != nil, now - state.finishedAt >= limit else { return false }
      state.last = nil
      return true
    }
    if isIdle { thread.submit { _ in self.sweeper.withLock { $0.release() } } }
  }

  private func sweep() {
    let sweep = sweeper.withLock { $0.sweep() }
    observe(sweep)
    let finishedAt = now()
    let waiting = state.withLock { state in
      state.last = sweep
      state.finishedAt = finishedAt
      state.statistics.count += 1
      state.statistics.cost += sweep.cost
      defer { state.waiting = nil }
      return state.waiting ?? []
    }
    for continuation in waiting {
      continuation.resume(returning: sweep)
    }
  }
}
