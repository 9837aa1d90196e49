import Testing

@testable import KubeClient

@Suite struct IdleTimeoutTests {
  let time = ElapsedTime(ContinuousClock())

  @Test("what ends gives its result")
  func ends() async {
    #expect(await time.withIdleTimeout(.seconds(600)) { _ in 5 } == 5)
  }

  @Test("R15: what makes no progress is cancelled, whatever it did before")
  func stalls() async {
    let time = time
    let result = await time.withIdleTimeout(.milliseconds(20)) { progress in
      for _ in 0..<3 { progress.report(at: time.now()) }
      // Ends by cancellation alone.
      try? await Task.sleep(for: .seconds(600))
      return Task.isCancelled
    }
    #expect(result == nil)
  }

  @Test("cancellation ends it")
  func cancelled() async {
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
