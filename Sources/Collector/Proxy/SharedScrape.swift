internal import Roll
internal import Synchronization

/// One answer on its way from a node to everyone who asked for it: one producer puts pieces in, each reader gets all of them in order.
///
/// A single reader that is behind holds the producer back. Of several, none holds back another: what the slowest has yet to read is
/// kept, which the producer's own limit on the page bounds. Without a reader pieces are dropped, and the producer goes on to the end: an
/// exporter that is cut off in mid-answer logs an error.
final class SharedScrape: Sendable {
  /// Bytes that a single reader may be behind.
  static let window = 256 << 10

  private struct State {
    var head: ScrapeHead?
    /// Those from number `firstPiece` on; earlier ones every reader has.
    var pieces: [[UInt8]] = []
    var firstPiece = 0
    var retainedBytes = 0
    var end: Result<Void, Miss>?
    /// By reader, the number of the piece that it reads next.
    var positions: [Int: Int] = [:]
    var readersEver = 0
    var waiting: [Int: CheckedContinuation<Void, Never>] = [:]
    var producer: CheckedContinuation<Void, Never>?
    /// Goes with the page: memory is taken until the last reader has it all.
    var place: CallSlot?

    var hasRoom: Bool { retainedBytes <= SharedScrape.window || positions.count != 1 || end != nil }

    mutating func dropWhatAllHave() {
      let needed = positions.values.min() ?? firstPiece + pieces.count
      let count = needed - firstPiece
      guard count > 0 else { return }
      retainedBytes -= pieces[..<count].reduce(0) { $0 + $1.count }
      pieces.removeFirst(count)
      firstPiece = needed
    }

    /// What the reader has not had yet.
    mutating func take(_ number: Int) -> [[UInt8]] {
      let new = Array(pieces[((positions[number] ?? 0) - firstPiece)...])
      positions[number] = firstPiece + pieces.count
      dropWhatAllHave()
      return new
    }

    mutating func takeWaiting() -> [CheckedContinuation<Void, Never>] {
      defer { waiting = [:] }
      return Array(waiting.values)
    }

    mutating func takeProducerIfRoom() -> CheckedContinuation<Void, Never>? {
      guard hasRoom else { return nil }
      defer { producer = nil }
      return producer
    }
  }

  /// When the readers' time is up.
  let deadline: ContinuousClock.Instant
  private let state = Mutex(State())

  init(deadline: ContinuousClock.Instant) {
    self.deadline = deadline
  }

  // MARK: The producer's side

  func occupy(_ place: CallSlot) {
    state.withLock { $0.place = place }
  }

  /// Whoever comes from now on gets another page. Readers wait for the bytes that follow.
  func begin(_ head: ScrapeHead) {
    state.withLock { $0.head = head }
  }

  /// Hands a piece to the readers. Returns when there is room for another.
  /// - Throws: where the only reader has made no room by `deadline`.
  func append(_ piece: [UInt8], until deadline: ContinuousClock.Instant) async throws(Miss) {
    wakeReaders { state in
      guard !state.positions.isEmpty, state.end == nil else { return }
      state.pieces.append(piece)
      state.retainedBytes += piece.count
    }
    if state.withLock(\.hasRoom) { return }
    await withTaskGroup { group in
      group.addTask { await self.waitForRoom() }
      // Cancellation ends the sleep, and the wait.
      group.addTask { try? await Task.sleep(until: deadline, clock: .continuous) }
      await group.next()
      group.cancelAll()
    }
    guard state.withLock(\.hasRoom) else { throw Miss(.unknown, "the client has not taken the page in its own time") }
  }

  private func waitForRoom() async {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let goesOn = state.withLock { state in
          if state.hasRoom || Task.isCancelled { return true }
          state.producer = continuation
          return false
        }
        if goesOn { continuation.resume() }
      }
    } onCancel: {
      let producer = state.withLock { state in
        defer { state.producer = nil }
        return state.producer
      }
      producer?.resume()
    }
  }

  /// The first end counts.
  func finish(_ end: Result<Void, Miss>) {
    wakeReaders { state in
      if state.end == nil { state.end = end }
    }
  }

  private func wakeReaders(after change: (inout State) -> Void) {
    let (readers, producer) = state.withLock { state in
      change(&state)
      return (state.takeWaiting(), state.takeProducerIfRoom())
    }
    for reader in readers { reader.resume() }
    producer?.resume()
  }

  // MARK: The readers' side

  /// A reader of the whole page; `nil` once the answer has begun: who comes later is to get a newer page.
  func join() -> SharedScrapeReader? {
    let number: Int? = state.withLock { state in
      guard state.head == nil, state.end == nil else { return nil }
      defer { state.readersEver += 1 }
      state.positions[state.readersEver] = 0
      return state.readersEver
    }
    return number.map { SharedScrapeReader(page: self, number: $0) }
  }

  fileprivate func leave(_ number: Int) {
    wakeReaders { state in
      state.positions[number] = nil
      state.dropWhatAllHave()
    }
  }

  /// Waits until so many bytes are there, or all of them.
  fileprivate func beginning(for number: Int, upTo limit: Int) async throws(Miss) -> ScrapeBeginning {
    await wait(number) { $0.head != nil && $0.retainedBytes >= limit }
    let (beginning, producer) = try state.withLock { state throws(Miss) in
      let isEnd: Bool
      switch state.end {
      case .failure(let miss): throw miss
      case .success: isEnd = true
      case nil: isEnd = false
      }
      guard let head = state.head else { throw Self.failure(state.end) }
      let pieces = state.take(number)
      return (ScrapeBeginning(head: head, pieces: pieces, isWhole: isEnd), state.takeProducerIfRoom())
    }
    producer?.resume()
    return beginning
  }

  fileprivate func pieces(for number: Int) async throws(Miss) -> [[UInt8]] {
    await wait(number) { state in (state.positions[number] ?? 0) < state.firstPiece + state.pieces.count }
    let (pieces, producer) = try state.withLock { state throws(Miss) in
      let new = state.take(number)
      if new.isEmpty {
        if case .success = state.end { return (new, CheckedContinuation<Void, Never>?.none) }
        throw Self.failure(state.end)
      }
      return (new, state.takeProducerIfRoom())
    }
    producer?.resume()
    return pieces
  }

  private static func failure(_ end: Result<Void, Miss>?) -> Miss {
    if case .failure(let miss) = end { return miss }
    return Miss(.unknown, end == nil ? "the reader was cancelled" : "the answer ended before it began")
  }

  /// Until the condition holds, the page has ended, or the task is cancelled.
  private func wait(_ number: Int, until holds: @Sendable (borrowing State) -> Bool) async {
    while true {
      let isOver = state.withLock { holds($0) || $0.end != nil }
      if isOver || Task.isCancelled { return }
      await withTaskCancellationHandler {
        await withCheckedContinuation { continuation in
          let goesOn = state.withLock { state in
            if holds(state) || state.end != nil || Task.isCancelled { return true }
            state.waiting[number] = continuation
            return false
          }
          if goesOn { continuation.resume() }
        }
      } onCancel: {
        let waiting = state.withLock { $0.waiting.removeValue(forKey: number) }
        waiting?.resume()
      }
    }
  }
}

/// How an answer begins.
package struct ScrapeBeginning: Sendable {
  package var head: ScrapeHead
  package var pieces: [[UInt8]]
  /// There is no more.
  package var isWhole: Bool
}

/// One who asked for a page. For one task; when it is released, the page no longer waits for it. To be held until its client has all of it.
package final class SharedScrapeReader: Sendable {
  private let page: SharedScrape
  private let number: Int

  fileprivate init(page: SharedScrape, number: Int) {
    self.page = page
    self.number = number
  }

  deinit { page.leave(number) }

  /// When the client's time is up.
  package var deadline: ContinuousClock.Instant { page.deadline }

  /// Waits for the first bytes of the answer, `limit` of them or the whole of it. To be called first, and once.
  /// - Throws: why there is no answer, or why it ended early: then nothing of it was handed out.
  package func beginning(upTo limit: Int) async throws(Miss) -> ScrapeBeginning {
    try await page.beginning(for: number, upTo: limit)
  }

  /// Everything that has come since the last call, at least one piece; none at the end.
  /// - Throws: why the page is not whole. What was handed out before is then half a page.
  package func pieces() async throws(Miss) -> [[UInt8]] {
    try await page.pieces(for: number)
  }
}
