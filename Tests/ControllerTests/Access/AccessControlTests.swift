import AsyncPrimitives
import KubeClient
import Primitives
import Roll
import Synchronization
import TestSupport
import Testing

@testable import Controller

private final class Questions: Sendable {
  private let asked = Mutex(0)

  var count: Int { asked.withLock { $0 } }
  func add() { asked.withLock { $0 += 1 } }
}

@Suite struct AccessControlTests {
  private let reviews = ScriptedReviews()
  private let time = ManualTime()

  private func control(_ reviews: ScriptedReviews? = nil, logger log: RecordedLog = RecordedLog()) -> AccessControl {
    AccessControl(reviews: (reviews ?? self.reviews).reviews, time: time, logger: log.logger)
  }

  private func attempt(_ token: String?, _ path: String = "/metrics", verb: String = "get", from client: String = "10.0.0.1")
    -> AccessAttempt
  {
    AccessAttempt(client: IPAddress(client), token: token, verb: verb, path: path)
  }

  @Test func `R106: the user's own path and verb are asked about`() async {
    reviews.accept("prometheus", of: "p")
    reviews.allow("p", "get", "/metrics")
    let control = control()
    #expect(await control.decision(on: attempt("prometheus")) == .allowed)
    #expect(await control.decision(on: attempt("prometheus", verb: "head")) == .forbidden(user: "p"))
    #expect(await control.decision(on: attempt("prometheus", "/proxy/a/metrics")) == .forbidden(user: "p"))
    #expect(await control.decision(on: attempt("other")) == .unauthenticated)
    #expect(await control.decision(on: attempt(nil)) == .unauthenticated)
    #expect(reviews.questions.map { "\($0.verb) \($0.path)" } == ["get /metrics", "head /metrics", "get /proxy/a/metrics"])
    #expect(control.status == [.forbidden: 2, .unauthenticated: 2])
  }

  @Test func `R106: answers are kept for seconds, a refusal for fewer`() async {
    reviews.accept("prometheus", of: "p")
    reviews.allow("p", "get", "/metrics")
    let control = control()
    for _ in 0..<100 { #expect(await control.decision(on: attempt("prometheus")) == .allowed) }
    for _ in 0..<100 { #expect(await control.decision(on: attempt("late")) == .unauthenticated) }
    #expect(reviews.tokens == ["prometheus", "late"] && reviews.questions.count == 1)
    reviews.accept("late", of: "l")
    reviews.allow("l", "get", "/metrics")
    time.advance(by: .seconds(10))
    #expect(await control.decision(on: attempt("late")) == .allowed)
    reviews.revoke()
    time.advance(by: .seconds(19))
    #expect(await control.decision(on: attempt("prometheus")) == .allowed)
    time.advance(by: .seconds(1))
    #expect(await control.decision(on: attempt("prometheus")) == .unauthenticated)
  }

  @Test func `R106: equal requests at the same time share one review`() async throws {
    let opening = Promise<Void>()
    let reviews = ScriptedReviews { await opening.value() }
    reviews.accept("prometheus", of: "p")
    reviews.allow("p", "get", "/probe")
    let control = control(reviews)
    let attempt = attempt("prometheus", "/probe")
    let decisions = await withTaskGroup(of: AccessDecision.self, returning: [AccessDecision].self) { group in
      for _ in 0..<200 { group.addTask { await control.decision(on: attempt) } }
      try? await eventually("the review has begun") { !reviews.tokens.isEmpty }
      opening.fulfill(())
      return await group.reduce(into: []) { $0.append($1) }
    }
    #expect(decisions == Array(repeating: .allowed, count: 200))
    #expect(reviews.tokens == ["prometheus"] && reviews.questions.count == 1)
  }

  @Test func `R106: a request that is cancelled does not fail those that share its review`() async throws {
    let opening = Promise<Void>()
    let asked = Questions()
    let shared = SharedReviews<String, Bool>(time: time) { $0 }
    @Sendable func ask() async -> Bool {
      let outcome = await shared.answer(to: "q", admits: { true }) { _ async throws(KubeError) in
        asked.add()
        guard await opening.valueUnlessCancelled() != nil else { throw .cancelled }
        return true
      }
      return if case .answer(true) = outcome { true } else { false }
    }
    try await withThrowingTaskGroup(of: Bool.self) { group in
      let end = Promise<Void>()
      group.addTask {
        await withTaskGroup(of: Void.self) { first in
          first.addTask { _ = await ask() }
          first.addTask { await end.value() }
          _ = await first.next()
          first.cancelAll()
        }
        return true
      }
      try await eventually("the first asks") { asked.count == 1 }
      group.addTask { await ask() }
      end.fulfill(())
      try await eventually("the second asks itself") { asked.count == 2 }
      opening.fulfill(())
      for try await isFine in group { #expect(isFine) }
    }
  }

  @Test func `R106: ten thousand made-up tokens cost few reviews and keep out nobody who was let in`() async {
    reviews.accept("prometheus", of: "p")
    reviews.allow("p", "get", "/metrics")
    let control = control()
    #expect(await control.decision(on: attempt("prometheus")) == .allowed)
    var decisions: [AccessDecision: Int] = [:]
    for number in 0..<10_000 { decisions[await control.decision(on: attempt("bad-\(number)")), default: 0] += 1 }
    #expect(decisions == [.unauthenticated: AttemptLimiter.burst - 1, .limited: 10_001 - AttemptLimiter.burst])
    #expect(reviews.tokens.count == AttemptLimiter.burst)
    // From the same address, also when its answer must be asked for again.
    time.advance(by: .seconds(30))
    for number in 0..<100 { _ = await control.decision(on: attempt("worse-\(number)")) }
    #expect(await control.decision(on: attempt("prometheus")) == .allowed)
    // Somebody else's first request.
    reviews.accept("colleague", of: "p")
    #expect(await control.decision(on: attempt("colleague", from: "10.0.0.2")) == .allowed)
  }

  @Test func `R106: few reviews run at the same time, and the others are turned away`() async throws {
    let opening = Promise<Void>()
    let reviews = ScriptedReviews { await opening.value() }
    let control = control(reviews)
    let decisions = await withTaskGroup(of: AccessDecision.self, returning: [AccessDecision].self) { group in
      for number in 0..<1000 {
        let attempt = attempt("t\(number)", from: "10.1.\(number / 250).\(number % 250)")
        group.addTask { await control.decision(on: attempt) }
      }
      var decisions: [AccessDecision] = []
      for await decision in group {
        decisions.append(decision)
        // All that were turned away return while the reviews still run.
        if decisions.count == 1000 - SharedReviews<String, Bool>.maximumUnknown { opening.fulfill(()) }
      }
      return decisions
    }
    #expect(decisions.prefix(968).allSatisfy { $0 == .limited })
    #expect(decisions.suffix(32).allSatisfy { $0 == .unauthenticated })
    #expect(reviews.tokens.count == 32)
  }

  @Test func `R106: without the API server nobody new is let in and nobody is called unknown`() async {
    let log = RecordedLog()
    let control = control(logger: log)
    reviews.accept("prometheus", of: "p")
    reviews.allow("p", "get", "/metrics")
    #expect(await control.decision(on: attempt("prometheus")) == .allowed)
    reviews.failure = .transport(TransportFailure(kind: .unreachable, message: "connection refused"))
    time.advance(by: .seconds(29))
    #expect(await control.decision(on: attempt("prometheus")) == .allowed)
    #expect(await control.decision(on: attempt("other")) == .unavailable)
    time.advance(by: .seconds(1))
    for _ in 0..<3 { #expect(await control.decision(on: attempt("prometheus")) == .unavailable) }
    reviews.failure = nil
    #expect(await control.decision(on: attempt("prometheus")) == .allowed)
    #expect(log.count("warning cannot ask the API server who may read this port") == 1)
    #expect(log.count("notice the API server says again who may read this port") == 1)
    #expect(!log.text.contains("prometheus"), "a token is not logged")
  }
}

@Suite struct ExpiringTableTests {
  private func moment(_ seconds: Int64) -> Moment { Moment(milliseconds: seconds * 1000) }

  private func text(_ entry: ExpiringTable<Int, String>.Entry?) -> String? {
    switch entry {
    case .fresh(let value): value
    case .stale: "stale"
    case nil: nil
    }
  }

  @Test func `a value is fresh, then known, then gone`() {
    var table = ExpiringTable<Int, String>(capacity: 10, freshFor: .seconds(10), knownFor: .seconds(60))
    table.insert("a", for: 1, at: moment(0))
    #expect([0, 9, 10, 59, 60].map { text(table[1, at: moment($0)]) } == ["a", "a", "stale", "stale", nil])
    table.insert("b", for: 1, at: moment(50))
    #expect(text(table[1, at: moment(60)]) == "stale" && text(table[1, at: moment(59)]) == "b")
    table.remove(1)
    #expect(text(table[1, at: moment(50)]) == nil)
  }

  @Test func `R106: it holds no more than its capacity, and the oldest value goes first`() {
    var table = ExpiringTable<Int, String>(capacity: 100, freshFor: .seconds(10), knownFor: .seconds(10))
    for number in 0..<10_000 {
      table.insert("\(number)", for: number, at: moment(1))
      #expect(table.count <= 100)
    }
    #expect(text(table[9_899, at: moment(1)]) == nil && text(table[9_900, at: moment(1)]) == "9900")
    // One key again and again displaces nothing.
    for _ in 0..<10_000 { table.insert("again", for: 9_999, at: moment(2)) }
    #expect(table.count <= 100 && text(table[9_999, at: moment(2)]) == "again")
    table.insert("new", for: 1, at: moment(20))
    #expect(table.count == 1)
  }
}

@Suite struct AttemptLimiterTests {
  private func moment(_ milliseconds: Int64) -> Moment { Moment(milliseconds: milliseconds) }

  @Test func `R106: a client has a burst of attempts, and then two a second`() {
    var limiter = AttemptLimiter()
    func admitted(_ client: String, at milliseconds: Int64) -> Int {
      (0..<100).count { _ in limiter.admits(IPAddress(client), at: moment(milliseconds)) }
    }
    #expect(admitted("10.0.0.1", at: 0) == 20)
    #expect(admitted("10.0.0.1", at: 499) == 0)
    #expect(admitted("10.0.0.1", at: 1000) == 2)
    #expect(admitted("10.0.0.2", at: 1000) == 20)
    #expect(admitted("10.0.0.1", at: 60_000) == 20)
    // A host can have any address of its network.
    #expect(admitted("2001:db8::1", at: 60_000) == 20)
    #expect(admitted("2001:db8::ffff:2", at: 60_000) == 0)
    #expect(admitted("2001:db8:0:1::1", at: 60_000) == 20)
  }
}
