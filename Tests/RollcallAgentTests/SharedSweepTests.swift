import LinuxCollector
import NIOPosix
import ProcFS
import Roll
import Synchronization
import TestSupport
import Testing

@testable import RollcallAgent

@Suite(.timeLimit(.minutes(5)))
struct SharedSweepTests {
  /// Finds no containers, and blocks until the gate is open.
  private final class GatedLocator: ContainerLocator {
    let gate: Gate

    init(gate: Gate) {
      self.gate = gate
    }

    func locate(_ buffer: ReadBuffer) -> LocatorResult {
      _ = gate.wait()
      return LocatorResult(containers: [], problems: [], searchedPaths: [])
    }

    func processes(of container: LocatedContainer, _ buffer: ReadBuffer) -> [LocatedProcess] { [] }
  }

  private final class SettableClock: Sendable {
    private let moment = Mutex(Moment(milliseconds: 0))

    func advance(_ duration: Duration) {
      moment.withLock { $0 = $0 + duration }
    }

    var now: @Sendable () -> Moment {
      { self.moment.withLock { $0 } }
    }
  }

  @Test func `concurrent callers share one sweep and later ones reuse it`() async throws {
    let thread = NIOThreadPool(numberOfThreads: 1)
    thread.start()
    let gate = Gate()
    let clock = SettableClock()
    let sweeps = SharedSweep(
      sweeper: LinuxSweeper(procFS: ProcFS(root: "/nonexistent"), locator: GatedLocator(gate: gate), now: clock.now), thread: thread,
      now: clock.now)

    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<20 { group.addTask { _ = await sweeps.current() } }
      group.addTask {
        try? await eventually("all callers are waiting") { sweeps.waiting == 20 }
        gate.open()
      }
    }
    #expect(sweeps.count == 1)

    clock.advance(.milliseconds(999))
    _ = await sweeps.current()
    #expect(sweeps.count == 1)
    clock.advance(.milliseconds(1))
    _ = await sweeps.current()
    #expect(sweeps.count == 2)
    try await thread.shutdownGracefully()
  }
}
