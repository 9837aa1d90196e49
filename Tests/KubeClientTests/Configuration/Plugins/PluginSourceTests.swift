import HTTPTransport
import Primitives
import Synchronization
import TestSupport
import Testing

@testable import KubeClient

/// A plugin's credential is cached until it expires, and one run serves all requests (R22).
@Suite(.timeLimit(.minutes(2)))
struct PluginSourceTests {
  /// Counts runs and returns configured results.
  final class Runs: Sendable {
    private let state = Mutex((count: 0, lifetime: Int64?.none, error: ConfigurationError?.none))
    let clock = Mutex<Int64>(1_000_000)
    var count: Int { state.withLock { $0.count } }
    func live(milliseconds: Int64?) { state.withLock { $0.lifetime = milliseconds } }
    func fail(_ error: ConfigurationError?) { state.withLock { $0.error = error } }
    func advance(milliseconds: Int64) { clock.withLock { $0 += milliseconds } }

    func next() throws(ConfigurationError) -> PluginCredential {
      let now = clock.withLock { $0 }
      let (count, lifetime, error) = state.withLock { state in
        state.count += 1
        return state
      }
      if let error { throw error }
      let expiry = lifetime.flatMap { Timestamp(seconds: (now + $0) / 1000) }
      return PluginCredential(token: Secret("t\(count)"), expiry: expiry)
    }
  }

  let runs = Runs()
  let problem = ConfigurationError.plugin(ConfigurationLocation(file: "f", entry: "e"), command: "c", reason: "r", remedy: "m")

  private func source() -> PluginSource {
    PluginSource(now: { [runs] in runs.clock.withLock { $0 } }, elapsed: { [runs] in .milliseconds(runs.clock.withLock { $0 }) }) {
      [runs] () async throws(ConfigurationError) in try runs.next()
    }
  }

  private func request(_ credential: PluginCredential) -> HTTPRequest {
    var request = HTTPRequest(url: "/", tls: TLSOptions())
    credential.apply(to: &request)
    return request
  }

  @Test func `a credential without expiry is valid until it is refused`() async throws {
    let source = source()
    let first = try await source.current()
    runs.advance(milliseconds: 1 << 40)
    #expect(try await source.current() == first)
    source.refuse(request(first))
    #expect(try await source.current().token == Secret("t2"))
  }

  @Test func `a credential is replaced shortly before it expires`() async throws {
    let source = source()
    runs.live(milliseconds: 60_000)
    _ = try await source.current()
    runs.advance(milliseconds: 49_999)
    #expect(try await source.current().token == Secret("t1"))
    runs.advance(milliseconds: 1)
    #expect(try await source.current().token == Secret("t2"))
  }

  @Test func `an expired credential is used once`() async throws {
    let source = source()
    runs.live(milliseconds: -60_000)
    #expect(try await source.current().token == Secret("t1"))
    #expect(try await source.current().token == Secret("t2"))
  }

  @Test func `concurrent refusals cause one refresh`() async throws {
    let source = source()
    let refused = request(try await source.current())
    for _ in 1...20 {
      source.refuse(refused)
      #expect(try await source.current().token == Secret("t2"))
    }
    #expect(runs.count == 2)
  }

  @Test func `if every credential is refused, the plugin runs with a back-off of up to a minute`() async throws {
    let source = source()
    var refreshes: [Int64] = []
    for second in 0..<400 {
      let count = runs.count
      source.refuse(request(try await source.current()))
      _ = try await source.current()
      if second > 0, runs.count > count { refreshes.append(Int64(second)) }
      runs.advance(milliseconds: 1000)
    }
    #expect(refreshes == [5, 15, 35, 75, 135, 195, 255, 315, 375])
  }

  @Test func `a credential that worked for minutes is replaced at once when refused`() async throws {
    let source = source()
    for run in 1...5 {
      #expect(try await source.current().token == Secret("t\(run)"))
      source.refuse(request(try await source.current()))
      #expect(try await source.current().token == Secret("t\(run + 1)"))
      runs.advance(milliseconds: 180_000)
    }
  }

  @Test func `an error is not cached`() async throws {
    let source = source()
    runs.fail(problem)
    await #expect(throws: problem) { try await source.current() }
    runs.fail(nil)
    #expect(try await source.current().token == Secret("t2"))
  }

  @Test(arguments: [true, false]) func `concurrent callers share one run and its result`(succeeds: Bool) async throws {
    let gate = Mutex<CheckedContinuation<Void, Never>?>(nil)
    if !succeeds { runs.fail(problem) }
    let source = PluginSource(now: { 0 }, elapsed: { .zero }) { [runs] () async throws(ConfigurationError) in
      await withCheckedContinuation { continuation in gate.withLock { $0 = continuation } }
      return try runs.next()
    }
    let credentials = await withTaskGroup(of: Result<PluginCredential, any Error>.self) { group in
      for _ in 1...50 {
        group.addTask {
          do { return .success(try await source.current()) } catch { return .failure(error) }
        }
      }
      while source.waitingCount < 49 { await Task.yield() }
      gate.withLock { $0 }?.resume()
      return await group.reduce(into: []) { $0.append($1) }
    }
    #expect(runs.count == 1)
    #expect(credentials.count == 50)
    for credential in credentials { #expect((try? credential.get().token) == (succeeds ? Secret("t1") : nil)) }
  }

  @Test func `if the running caller is cancelled, a waiting caller starts another run`() async throws {
    let source = PluginSource(now: { 0 }, elapsed: { .zero }) { [runs] () async throws(ConfigurationError) in
      if runs.count == 0 {
        _ = try runs.next()
        try? await Task.sleep(for: .seconds(600))
        throw .cancelled
      }
      return try runs.next()
    }
    let first = Task { try await source.current() }
    while runs.count == 0 { await Task.yield() }
    let second = Task { try await source.current() }
    while source.waitingCount == 0 { await Task.yield() }
    first.cancel()
    #expect(try await second.value.token == Secret("t2"))
    await #expect(throws: ConfigurationError.cancelled) { try await first.value }
  }
}
