import Primitives
import Testing

struct BackoffTests {
  private var random = SplitMix64(seed: 1)

  @Test func `the wait doubles up to the limit, less up to half of it`() {
    var backoff = Backoff(.seconds(1) ... .seconds(30))
    for whole in [1, 2, 4, 8, 16, 30, 30, 30] {
      let wait = backoff.failed()
      #expect((Duration.seconds(whole) * 0.5 ... .seconds(whole)).contains(wait), "\(wait) of \(whole) s")
    }
    for _ in 0..<100 { #expect(backoff.failed() <= .seconds(30)) }
    #expect(backoff.failures == 108)
  }

  @Test func `a success starts over at once`() {
    var backoff = Backoff(.seconds(1) ... .seconds(30))
    for _ in 0..<5 { _ = backoff.failed() }
    backoff.succeeded()
    #expect(backoff.failures == 0)
    #expect(backoff.failed() <= .seconds(1))
  }

  @Test mutating func `with a time to reset, the wait starts over only after that time without a failure`() {
    var backoff = Backoff(.seconds(1) ... .seconds(30), reset: .seconds(120))
    for second in 0..<5 { _ = backoff.failed(at: .seconds(second), random: &random) }
    backoff.succeeded(at: .seconds(10))
    backoff.succeeded(at: .seconds(100))
    #expect(backoff.failed(at: .seconds(129), random: &random) >= .seconds(15))
    backoff.succeeded(at: .seconds(200))
    #expect(backoff.failed(at: .seconds(320), random: &random) <= .seconds(1))
  }

  @Test mutating func `waits are spread`() {
    let waits = (0..<100).map { _ in
      var backoff = Backoff(.seconds(1) ... .seconds(30))
      return backoff.failed(at: .zero, random: &random)
    }
    #expect(Set(waits).count > 90)
  }
}
