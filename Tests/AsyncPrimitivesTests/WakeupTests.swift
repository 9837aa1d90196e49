import AsyncPrimitives
import Testing

struct WakeupTests {
  @Test func `a signal before the wait is not lost`() async {
    let wakeup = Wakeup()
    wakeup.signal()
    wakeup.signal()
    #expect(await wakeup.wait())
  }

  @Test func `many signals wake once`() async {
    let wakeup = Wakeup()
    wakeup.signal()
    wakeup.signal()
    _ = await wakeup.wait()
    #expect(await !wakeup.wait(atMost: .zero, clock: ContinuousClock()))
  }

  @Test func `a signal ends the wait`() async {
    let wakeup = Wakeup()
    async let waited = wakeup.wait(atMost: .seconds(600), clock: ContinuousClock())
    wakeup.signal()
    #expect(await waited)
  }

  @Test func `cancellation ends the wait`() async {
    let wakeup = Wakeup()
    let task = Task { await wakeup.wait() }
    task.cancel()
    #expect(await !task.value)
    wakeup.signal()
    #expect(await wakeup.wait())
  }

  @Test func `no signal is lost among timeouts`() async {
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
