import Roll
import Synchronization
import TestSupport
import Testing

@testable import Collector

@Suite struct SharedFetchesTests {
  private static let head = ScrapeHead(status: 200, contentType: "text/plain")

  /// Runs fetches while `body` does.
  private func running(places: Int = 8, _ body: (SharedFetches<String>) async throws -> Void) async throws {
    let fetches = SharedFetches<String>(places: CallSlots(places))
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
      let pieces = try await reader.pieces()
      if pieces.isEmpty { return all }
      all += pieces
    }
  }

  @Test func whoComesTogetherSharesOneFetchAndWhoComesLaterGetsANewOne() async throws {
    try await running { fetches in
      let calls = Mutex(0)
      let door = Door()
      func ask() throws -> SharedScrapeReader {
        try fetches.page("node", until: .now + .seconds(60)) { page, _ in
          let call = calls.withLock { calls in
            calls += 1
            return calls
          }
          await door.wait()
          page.begin(Self.head)
          do throws(Miss) {
            try await page.append(Array("call \(call), ".utf8), until: .now + .seconds(60))
            try await page.append(Array("whole".utf8), until: .now + .seconds(60))
          } catch {
            return .failure(error)
          }
          return .success(())
        }
      }
      let first = try ask()
      let second = try ask()
      door.open()
      var beginning = try await first.beginning(upTo: 1)
      #expect(beginning.head == Self.head)
      // The answer has begun: a newcomer is not to get what was collected before it asked.
      let third = try ask()
      beginning.pieces += try await rest(first)
      #expect(String(decoding: Array(beginning.pieces.joined()), as: UTF8.self) == "call 1, whole")
      #expect(try await text(second) == "call 1, whole")
      #expect(try await text(third) == "call 2, whole")
      #expect(fetches.statistics.requests == 3)
      #expect(fetches.statistics.fetches == 2)
    }
  }

  @Test func oneWhoGoesAwayEarlyCostsTheOthersNothing() async throws {
    try await running { fetches in
      let door = Door()
      let isDone = Atomic(false)
      func ask() throws -> SharedScrapeReader {
        try fetches.page("node", until: .now + .seconds(60)) { page, _ in
          page.begin(Self.head)
          do throws(Miss) {
            try await page.append(Array("half, ".utf8), until: .now + .seconds(60))
            await door.wait()
            try await page.append(Array("whole".utf8), until: .now + .seconds(60))
          } catch {
            return .failure(error)
          }
          isDone.store(true, ordering: .sequentiallyConsistent)
          return .success(())
        }
      }
      var leaving: SharedScrapeReader? = try ask()
      let staying = try ask()
      #expect(try await leaving?.pieces() == [Array("half, ".utf8)])
      leaving = nil
      door.open()
      #expect(try await text(staying) == "half, whole")

      // Nobody is left, and the exporter is read to the end all the same.
      isDone.store(false, ordering: .sequentiallyConsistent)
      _ = try ask()
      try await eventually("the fetch ends without a reader") { isDone.load(ordering: .sequentiallyConsistent) }
    }
  }

  @Test func aFailureReachesEveryReader() async throws {
    try await running { fetches in
      func ask() throws -> SharedScrapeReader {
        try fetches.page("node", until: .now + .seconds(60)) { page, _ in
          page.begin(Self.head)
          do throws(Miss) { try await page.append([1], until: .now + .seconds(60)) } catch { return .failure(error) }
          return .failure(Miss(.badExposition, "line 2"))
        }
      }
      let readers = [try ask(), try ask()]
      for reader in readers {
        #expect(try await reader.pieces() == [[1]])
        await #expect(throws: Miss(.badExposition, "line 2")) { try await reader.pieces() }
      }
      #expect(fetches.statistics.failures == [.badExposition: 1])
    }
  }

  @Test("R63: one reader that does not read holds its producer back, and ends it in time") func theWindowIsBounded() async throws {
    try await running { fetches in
      let pieces = Atomic(0)
      let reader = try fetches.page("node", until: .now + .seconds(60)) { page, _ in
        page.begin(Self.head)
        do throws(Miss) {
          while true {
            try await page.append(Array(repeating: 0, count: 64 << 10), until: .now + .milliseconds(50))
            pieces.add(1, ordering: .relaxed)
          }
        } catch {
          return .failure(error)
        }
      }
      try await eventually("the producer has given up") { fetches.statistics.failures == [.unknown: 1] }
      #expect(pieces.load(ordering: .relaxed) == SharedScrape.window / (64 << 10))
      #expect(try await reader.pieces().count == pieces.load(ordering: .relaxed) + 1)
      await #expect(throws: Miss.self) { try await reader.pieces() }
    }
  }

  @Test("R41, R63: what is under way is bounded by the places, whoever waits; a place is taken until the last reader has all of the page")
  func placesAreBounded() async throws {
    let occupancy = Occupancy()
    try await running(places: 2) { fetches in
      func ask(_ number: Int, within timeout: Duration = .seconds(60)) throws -> SharedScrapeReader {
        try fetches.page("node-\(number)", until: .now + timeout) { page, _ in
          occupancy.enter()
          page.begin(Self.head)
          do throws(Miss) { try await page.append([UInt8(number)], until: page.deadline) } catch { return .failure(error) }
          return .success(())
        }
      }
      @Sendable func read(_ reader: SharedScrapeReader) async throws -> ScrapeBeginning {
        defer { occupancy.leave() }
        return try await reader.beginning(upTo: 1000)
      }
      // Two pages are whole, and nobody lets go of them.
      var held = [try ask(0), try ask(1)]
      for reader in held { #expect(try await read(reader).isWhole) }
      let late = try ask(2, within: .milliseconds(20))
      await #expect(throws: Miss(.unknown, "all 2 places for pages under way were taken")) { try await late.beginning(upTo: 1) }

      held.removeAll()
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 3..<100 {
          let reader = try ask(number)
          group.addTask {
            let pieces = try await read(reader).pieces
            #expect(pieces == [[UInt8(number)]])
          }
        }
        try await group.waitForAll()
      }
      #expect(occupancy.most <= 2)
    }
  }

  @Test func aShortPageComesInOnePieceAndOneThatFailsEarlyNotAtAll() async throws {
    try await running { fetches in
      func ask(_ end: Result<Void, Miss>) throws -> SharedScrapeReader {
        try fetches.page("node", until: .now + .seconds(60)) { page, _ in
          page.begin(Self.head)
          do throws(Miss) {
            for byte in UInt8(0)..<3 { try await page.append([byte], until: .now + .seconds(60)) }
          } catch {
            return .failure(error)
          }
          return end
        }
      }
      let whole = try await ask(.success(())).beginning(upTo: 1000)
      #expect(whole.pieces == [[0], [1], [2]])
      #expect(whole.isWhole)
      let failing = try ask(.failure(Miss(.tooLarge, "series")))
      await #expect(throws: Miss(.tooLarge, "series")) { try await failing.beginning(upTo: 1000) }
    }
  }

  @Test func afterTheEndNobodyWaits() async throws {
    let fetches = SharedFetches<String>(places: CallSlots(1))
    let waiting = try fetches.page("node", until: .now + .seconds(60)) { _, _ in .success(()) }
    let task = Task { await fetches.run() }
    task.cancel()
    await task.value
    await #expect(throws: Miss.self) { try await waiting.beginning(upTo: 1) }
    #expect(throws: Miss.self) { try fetches.page("node", until: .now + .seconds(60)) { _, _ in .success(()) } }
  }
}

/// How many are there at once.
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

/// A gate for async code.
private final class Door: Sendable {
  private let state = Mutex<(isOpen: Bool, waiting: [CheckedContinuation<Void, Never>])>((false, []))

  func open() {
    let waiting = state.withLock { state in
      defer { state = (true, []) }
      return state.waiting
    }
    for one in waiting { one.resume() }
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
