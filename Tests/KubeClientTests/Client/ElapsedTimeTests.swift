import Testing

@testable import KubeClient

@Suite struct IdleTimeoutTests {
  let time = ElapsedTime(ContinuousClock())

  @Test
  func `a finished operation returns its result`() async {
    #expect(await time.withIdleTimeout(.seconds(600)) { _ in 5 } == 5)
  }

  @Test
  func `R15: an operation without progress is cancelled`() async {
    let time = time
    let result = await time.withIdleTimeout(.milliseconds(20)) { progress in
      for _ in 0..<3 { progress.report(at: time.now()) }
      // Ends only by cancellation.
      try? await Task.sleep(for: .seconds(600))
      return Task.isCancelled
    }
    #expect(result == nil)
  }

  @Test
  func `cancellation ends the operation`() async {
    let time = time
    let task = Task {
      await time.withIdleTimeout(.seconds(600)) { _ in
        try? await Task.sleep(for: .seconds(600))
        return Task.isCancelled
      }
    }
    task.cancel()
    #expect(await task.value != false)
  }
}
