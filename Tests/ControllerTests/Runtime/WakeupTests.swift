import Testing

@testable import Controller

@Suite struct WakeupTests {
  @Test func aSignalBeforeTheWaitIsNotLost() async {
    let wakeup = Wakeup()
    wakeup.signal()
    wakeup.signal()
    #expect(await wakeup.wait())
  }

  @Test func manySignalsAreOne() async {
    let wakeup = Wakeup()
    wakeup.signal()
    wakeup.signal()
    _ = await wakeup.wait()
    #expect(await !wakeup.wait(atMost: .zero, clock: ContinuousClock()))
  }

  @Test func aSignalEndsTheWait() async {
    let wakeup = Wakeup()
    async let waited = wakeup.wait(atMost: .seconds(600), clock: ContinuousClock())
    wakeup.signal()
    #expect(await waited)
  }

  @Test func cancellationEndsTheWait() async {
    let wakeup = Wakeup()
    let task = Task { await wakeup.wait() }
    task.cancel()
    #expect(await !task.value)
    wakeup.signal()
    #expect(await wakeup.wait())
  }

  @Test func noSignalIsLostAmongTimeouts() async {
    let wakeup = Wakeup()
    await withTaskGroup(of: Void.self) { group in
      group.addTask {
        for _ in 0..<1000 {
          wakeup.signal()
          await Task.yield()
        }
      }
      group.addTask {
        for _ in 0..<200 { _ = await wakeup.wait(atMost: .microseconds(50), clock: ContinuousClock()) }
      }
    }
    wakeup.signal()
    #expect(await wakeup.wait())
  }
}
