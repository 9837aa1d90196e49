import AsyncPrimitives
import LinuxCollector
import NIOPosix
import Roll
import ServiceLifecycle
import Synchronization

/// Runs sweeps on demand, one at a time: callers during a sweep share its result, and callers shortly after it get the same result again.
///
/// Sweeps block on files, so they run on a dedicated thread instead of an event loop or the cooperative pool.
final class SharedSweep: Sendable {
  /// A scrape and a roll call of the same interval usually follow each other within this time.
  static let reusable: Duration = .seconds(1)

  private struct State {
    var last: Sweep?
    var finishedAt = Moment(milliseconds: .min)
    var statistics = Statistics()
    /// The running sweep, if there is one.
    var running: Promise<Sweep>?
  }

  private let state = Mutex(State())
  private let sweeper: Mutex<LinuxSweeper>
  private let thread: NIOThreadPool
  private let reuse: Duration
  private let now: @Sendable () -> Moment
  private let observe: @Sendable (Sweep) -> Void

  /// - Parameters:
  ///   - thread: must be started, and outlive all calls.
  ///   - reuse: the maximum age of a sweep that is reused.
  ///   - observe: called with each sweep, on the thread.
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

  /// Totals of all sweeps.
  struct Statistics: Hashable {
    var count: UInt64 = 0
    var cost = SweepCost()
  }

  var statistics: Statistics {
    state.withLock { $0.statistics }
  }

  /// The number of sweeps so far.
  var count: UInt64 { statistics.count }

  /// The number of callers that wait for the running sweep.
  var waiting: Int {
    state.withLock { $0.running?.waiting ?? 0 }
  }

  /// A sweep that finished at most `reuse` ago, or a new one. Ignores cancellation, since other callers may wait for the same sweep.
  func current() async -> Sweep {
    let now = now()
    enum Next {
      case reuse(Sweep)
      case start(Promise<Sweep>)
      case join(Promise<Sweep>)
    }
    let next: Next = state.withLock { state in
      if let running = state.running { return .join(running) }
      if let last = state.last, now - state.finishedAt < reuse { return .reuse(last) }
      let running = Promise<Sweep>()
      state.running = running
      return .start(running)
    }
    switch next {
    case .reuse(let sweep): return sweep
    case .join(let running): return await running.value()
    case .start(let running):
      thread.submit { _ in running.fulfill(self.sweep()) }
      return await running.value()
    }
  }

  /// The pods on the roll that run in a sandbox. Reads files only if the sweep found no process of some pod's containers.
  func sandboxedPods(on roll: [RollEntry], after sweep: Sweep) async -> SandboxedPods {
    let candidates = sweep.podsWithoutProcess(on: roll)
    if candidates.isEmpty { return SandboxedPods() }
    let result = Promise<SandboxedPods>()
    thread.submit { _ in result.fulfill(self.sweeper.withLock { $0.sandboxedPods(of: candidates, on: roll) }) }
    return await result.value()
  }

  /// Closes the files that stay open between sweeps and forgets the last sweep, if there was none for the given time.
  func release(idleFor limit: Duration) {
    let now = now()
    let isIdle = state.withLock { state in
      guard state.running == nil, state.last != nil, now - state.finishedAt >= limit else { return false }
      state.last = nil
      return true
    }
    if isIdle { thread.submit { _ in self.sweeper.withLock { $0.release() } } }
  }

  private func sweep() -> Sweep {
    let sweep = sweeper.withLock { $0.sweep() }
    observe(sweep)
    let finishedAt = now()
    state.withLock { state in
      state.last = sweep
      state.finishedAt = finishedAt
      state.statistics.count += 1
      state.statistics.cost += sweep.cost
      state.running = nil
    }
    return sweep
  }
}

/// Releases the sweeper's open files while there are no requests, since they keep the network namespaces of deleted pods alive.
struct IdleRelease: Service {
  /// Longer than usual intervals of scrapes and roll calls.
  static let limit: Duration = .seconds(60)
  private static let interval: Duration = .seconds(15)

  let sweeps: SharedSweep

  func run() async throws {
    await cancelWhenGracefulShutdown {
      while (try? await Task.sleep(for: Self.interval)) != nil {
        sweeps.release(idleFor: Self.limit)
      }
    }
  }
}
