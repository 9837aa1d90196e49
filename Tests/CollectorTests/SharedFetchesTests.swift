import AsyncPrimitives
import Roll
import Synchronization
import TestSupport
import Testing

@testable import Collector

@Suite struct SharedFetchesTests {
  private static let head = ScrapeHead(status: 200, contentType: "text/plain")

  /// Runs fetches while `body` runs.
  private func running(slots: Int = 8, _ body: (SharedFetches<String>) async throws -> Void) async throws {
    let fetches = SharedFetches<String>(slots: AsyncSemaphore(slots))
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await fetches.run() }
      try await body(fetches)
      group.cancelAll()
    }
  }

  private func text(_ reader: SharedScrapeReader) async throws -> String {
    String(decoding: Array(try await rest(reader).joined()), as: UTF8.self)
  }

  private func rest(_ reader: SharedScrapeReader) async throws -> [[UInt8]] {
    var all: [[UInt8]] = []
    while true {
      let chunks = try await reader.chunks()
      if chunks.isEmpty { return all }
      all += chunks
    }
  }

  @Test func `requests join a fetch until its response begins`() async throws {
    try await running { fetches in
      let calls = Mutex(0)
      let gate = AsyncGate()
      func ask() throws -> SharedScrapeReader {
        try fetches.fetch("node", until: .now + .seconds(60)) { scrape, _ in
          let call = calls.withLock { calls in
            calls += 1
            return calls
          }
          await gate.wait()
          scrape.begin(Self.head)
          do throws(Miss) {
            try await scrape.append(Array("call \(call), ".utf8), until: .now + .seconds(60))
            try await scrape.append(Array("whole".utf8), until: .now + .seconds(60))
          } catch {
            return .failure(error)
          }
          return .success(())
        }
      }
      let first = try ask()
      let second = try ask()
      gate.open()
      var beginning = try await first.beginning(upTo: 1)
      #expect(beginning.head == Self.head)
      // The response has begun: a new request must not receive data collected before it was made.
      let third = try ask()
      beginning.chunks += try await rest(first)
      #expect(String(decoding: Array(beginning.chunks.joined()), as: UTF8.self) == "call 1, whole")
      #expect(try await text(second) == "call 1, whole")
      #expect(try await text(third) == "call 2, whole")
      #expect(fetches.statistics.requests == 3)
      #expect(fetches.statistics.fetches == 2)
    }
  }

  @Test func `a client that disconnects does not affect others, and the fetch continues`() async throws {
    try await running { fetches in
      let gate = AsyncGate()
      let isDone = Atomic(false)
      func ask() throws -> SharedScrapeReader {
        try fetches.fetch("node", until: .now + .seconds(60)) { scrape, _ in
          scrape.begin(Self.head)
          do throws(Miss) {
            try await scrape.append(Array("half, ".utf8), until: .now + .seconds(60))
            await gate.wait()
            try await scrape.append(Array("whole".utf8), until: .now + .seconds(60))
          } catch {
            return .failure(error)
          }
          isDone.store(true, ordering: .sequentiallyConsistent)
          return .success(())
        }
      }
      var leaving: SharedScrapeReader? = try ask()
      let staying = try ask()
      #expect(try await leaving?.chunks() == [Array("half, ".utf8)])
      leaving = nil
      gate.open()
      #expect(try await text(staying) == "half, whole")

      // Without readers the exporter's response is still read to the end.
      isDone.store(false, ordering: .sequentiallyConsistent)
      _ = try ask()
      try await eventually("the fetch ends without a reader") { isDone.load(ordering: .sequentiallyConsistent) }
    }
  }

  @Test func `a failure reaches all readers`() async throws {
    try await running { fetches in
      func ask() throws -> SharedScrapeReader {
        try fetches.fetch("node", until: .now + .seconds(60)) { scrape, _ in
          scrape.begin(Self.head)
          do throws(Miss) { try await scrape.append([1], until: .now + .seconds(60)) } catch { return .failure(error) }
          return .failure(Miss(.badExposition, "line 2"))
        }
      }
      let readers = [try ask(), try ask()]
      for reader in readers {
        #expect(try await reader.chunks() == [[1]])
        await #expect(throws: Miss(.badExposition, "line 2")) { try await reader.chunks() }
      }
      #expect(fetches.statistics.failures == [.badExposition: 1])
    }
  }

  @Test func `R63: a single reader that does not read suspends the producer, which then times out`() async throws {
    try await running { fetches in
      let chunks = Atomic(0)
      let reader = try fetches.fetch("node", until: .now + .seconds(60)) { scrape, _ in
        scrape.begin(Self.head)
        do throws(Miss) {
          while true {
            try await scrape.append(Array(repeating: 0, count: 64 << 10), until: .now + .milliseconds(50))
            chunks.add(1, ordering: .relaxed)
          }
        } catch {
          return .failure(error)
        }
      }
      try await eventually("the producer has given up") { fetches.statistics.failures == [.unknown: 1] }
      #expect(chunks.load(ordering: .relaxed) == SharedScrape.window / (64 << 10))
      #expect(try await reader.chunks().count == chunks.load(ordering: .relaxed) + 1)
      await #expect(throws: Miss.self) { try await reader.chunks() }
    }
  }

  @Test
  func `R41, R63: concurrent fetches are bounded by slots, which are held until the last reader is released`() async throws {
    let occupancy = Occupancy()
    try await running(slots: 2) { fetches in
      func ask(_ number: Int, within timeout: Duration = .seconds(60)) throws -> SharedScrapeReader {
        try fetches.fetch("node-\(number)", until: .now + timeout) { scrape, _ in
          occupancy.enter()
          scrape.begin(Self.head)
          do throws(Miss) { try await scrape.append([UInt8(number)], until: scrape.deadline) } catch { return .failure(error) }
          return .success(())
        }
      }
      @Sendable func read(_ reader: SharedScrapeReader) async throws -> ScrapeBeginning {
        defer { occupancy.leave() }
        return try await reader.beginning(upTo: 1000)
      }
      // Two responses are complete, but their readers are still held.
      var held = [try ask(0), try ask(1)]
      for reader in held { #expect(try await read(reader).isComplete) }
      let late = try ask(2, within: .milliseconds(20))
      await #expect(throws: Miss(.unknown, "all 2 slots for relayed scrapes are in use")) { try await late.beginning(upTo: 1) }

      held.removeAll()
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 3..<100 {
          let reader = try ask(number)
          group.addTask {
            let chunks = try await read(reader).chunks
            #expect(chunks == [[UInt8(number)]])
          }
        }
        try await group.waitForAll()
      }
      #expect(occupancy.most <= 2)
    }
  }

  @Test func `a short response is returned at once, and nothing of one that fails early`() async throws {
    try await running { fetches in
      func ask(_ end: Result<Void, Miss>) throws -> SharedScrapeReader {
        try fetches.fetch("node", until: .now + .seconds(60)) { scrape, _ in
          scrape.begin(Self.head)
          do throws(Miss) {
            for byte in UInt8(0)..<3 { try await scrape.append([byte], until: .now + .seconds(60)) }
          } catch {
            return .failure(error)
          }
          return end
        }
      }
      let whole = try await ask(.success(())).beginning(upTo: 1000)
      #expect(whole.chunks == [[0], [1], [2]])
      #expect(whole.isComplete)
      let failing = try ask(.failure(Miss(.tooLarge, "series")))
      await #expect(throws: Miss(.tooLarge, "series")) { try await failing.beginning(upTo: 1000) }
    }
  }

  @Test func `after shutdown no reader waits`() async throws {
    let fetches = SharedFetches<String>(slots: AsyncSemaphore(1))
    let waiting = try fetches.fetch("node", until: .now + .seconds(60)) { _, _ in .success(()) }
    let task = Task { await fetches.run() }
    task.cancel()
    await task.value
    await #expect(throws: Miss.self) { try await waiting.beginning(upTo: 1) }
    #expect(throws: Miss.self) { try fetches.fetch("node", until: .now + .seconds(60)) { _, _ in .success(()) } }
  }
}

/// Counts concurrent holders.
private final class Occupancy: Sendable {
  private let state = Mutex((now: 0, most: 0))

  var most: Int { state.withLock { $0.most } }

  func enter() {
    state.withLock { state in
      state.now += 1
      state.most = max(state.most, state.now)
    }
  }

  func leave() {
    state.withLock { $0.now -= 1 }
  }
}

/// A gate for async code. `Gate` of TestSupport blocks its thread.
private final class AsyncGate: Sendable {
  private let state = Mutex<(isOpen: Bool, waiting: [CheckedContinuation<Void, Never>])>((false, []))

  func open() {
    let waiting = state.withLock { state in
      defer { state = (true, []) }
      return state.waiting
    }
    for continuation in waiting { continuation.resume() }
  }

  func wait() async {
    await withCheckedContinuation { continuation in
      let isOpen = state.withLock { state in
        if !state.isOpen { state.waiting.append(continuation) }
        return state.isOpen
      }
      if isOpen { continuation.resume() }
    }
  }
}
