internal import AsyncPrimitives
internal import Roll
internal import Synchronization

/// A response on its way from a node to all clients that requested it: one producer appends chunks, and each reader receives all of them in
/// order.
///
/// Flow control: a single reader that falls behind by more than `window` suspends the producer. With several readers the producer never
/// waits, so that no reader delays another; chunks stay in memory until the slowest reader has them, which the producer's body limit
/// bounds. Without readers chunks are dropped and the producer continues to the end, because windows_exporter logs an error when a client
/// disconnects early.
///
/// Not an `AsyncStream`, which has neither several readers nor back pressure.
final class SharedScrape: Sendable {
  /// How many bytes a single reader may fall behind.
  static let window = 256 << 10

  private struct State {
    var head: ScrapeHead?
    /// The chunks from number `firstChunk` on. All readers have the earlier ones.
    var chunks: [[UInt8]] = []
    var firstChunk = 0
    var retainedBytes = 0
    var end: Result<Void, Miss>?
    var readers: [Int: Reader] = [:]
    var readersEver = 0
    /// Held until the last reader has the whole response.
    var slot: AsyncSemaphore.Permit?

    var hasCapacity: Bool { retainedBytes <= SharedScrape.window || readers.count != 1 || end != nil }

    mutating func dropConsumedChunks() {
      let needed = readers.values.lazy.map(\.position).min() ?? firstChunk + chunks.count
      let count = needed - firstChunk
      guard count > 0 else { return }
      retainedBytes -= chunks[..<count].reduce(0) { $0 + $1.count }
      chunks.removeFirst(count)
      firstChunk = needed
    }

    /// The chunks that are new to the reader.
    mutating func take(_ number: Int) -> [[UInt8]] {
      let new = Array(chunks[((readers[number]?.position ?? 0) - firstChunk)...])
      readers[number]?.position = firstChunk + chunks.count
      dropConsumedChunks()
      return new
    }
  }

  private struct Reader {
    /// The number of its next chunk.
    var position = 0
    let wakeup = Wakeup()
  }

  /// When the readers' clients time out.
  let deadline: ContinuousClock.Instant
  private let state = Mutex(State())
  private let producer = Wakeup()

  init(deadline: ContinuousClock.Instant) {
    self.deadline = deadline
  }

  // MARK: Producer

  func hold(_ slot: AsyncSemaphore.Permit) {
    state.withLock { $0.slot = slot }
  }

  /// Sets the head. New readers can no longer join. Waiting readers resume with the next chunk.
  func begin(_ head: ScrapeHead) {
    state.withLock { $0.head = head }
  }

  /// Passes a chunk to the readers. Returns when there is capacity for another one.
  /// - Throws: if the only reader has not caught up by `deadline`.
  func append(_ chunk: [UInt8], until deadline: ContinuousClock.Instant) async throws(Miss) {
    change { state in
      guard !state.readers.isEmpty, state.end == nil else { return }
      state.chunks.append(chunk)
      state.retainedBytes += chunk.count
    }
    while !state.withLock(\.hasCapacity) {
      guard await producer.wait(orUntil: { try await Task.sleep(until: deadline, clock: .continuous) }) else { break }
    }
    guard state.withLock(\.hasCapacity) else { throw Miss(.unknown, "the client did not read the response within its own timeout") }
  }

  /// Ends the response. Only the first call has an effect.
  func finish(_ end: Result<Void, Miss>) {
    change { state in
      if state.end == nil { state.end = end }
    }
  }

  /// Changes the state and wakes the readers, and the producer if there is capacity.
  private func change(_ change: (inout State) -> Void) {
    let (readers, hasCapacity) = state.withLock { state in
      change(&state)
      return (state.readers.values.map(\.wakeup), state.hasCapacity)
    }
    for reader in readers { reader.signal() }
    if hasCapacity { producer.signal() }
  }

  // MARK: Readers

  /// Adds a reader. Returns `nil` if the response has begun.
  func join() -> SharedScrapeReader? {
    let number: Int? = state.withLock { state in
      guard state.head == nil, state.end == nil else { return nil }
      defer { state.readersEver += 1 }
      state.readers[state.readersEver] = Reader()
      return state.readersEver
    }
    return number.map { SharedScrapeReader(scrape: self, number: $0) }
  }

  fileprivate func leave(_ number: Int) {
    change { state in
      state.readers[number] = nil
      state.dropConsumedChunks()
    }
  }

  /// Waits for `limit` bytes or the whole body.
  fileprivate func beginning(for number: Int, upTo limit: Int) async throws(Miss) -> ScrapeBeginning {
    await wait(number) { $0.head != nil && $0.retainedBytes >= limit }
    let (beginning, hasCapacity) = try state.withLock { state throws(Miss) in
      let isEnd: Bool
      switch state.end {
      case .failure(let miss): throw miss
      case .success: isEnd = true
      case nil: isEnd = false
      }
      guard let head = state.head else { throw Self.failure(state.end) }
      let chunks = state.take(number)
      return (ScrapeBeginning(head: head, chunks: chunks, isComplete: isEnd), state.hasCapacity)
    }
    if hasCapacity { producer.signal() }
    return beginning
  }

  fileprivate func chunks(for number: Int) async throws(Miss) -> [[UInt8]] {
    await wait(number) { state in (state.readers[number]?.position ?? 0) < state.firstChunk + state.chunks.count }
    let (chunks, hasCapacity) = try state.withLock { state throws(Miss) in
      let new = state.take(number)
      if new.isEmpty {
        if case .success = state.end { return (new, false) }
        throw Self.failure(state.end)
      }
      return (new, state.hasCapacity)
    }
    if hasCapacity { producer.signal() }
    return chunks
  }

  private static func failure(_ end: Result<Void, Miss>?) -> Miss {
    if case .failure(let miss) = end { return miss }
    return Miss(.unknown, end == nil ? "the reader was cancelled" : "the response ended before it began")
  }

  /// Waits until the condition holds, the response ends, or the task is cancelled.
  private func wait(_ number: Int, until holds: @Sendable (borrowing State) -> Bool) async {
    while true {
      let (isOver, wakeup) = state.withLock { (holds($0) || $0.end != nil, $0.readers[number]?.wakeup) }
      guard !isOver, let wakeup, await wakeup.wait() else { return }
    }
  }
}

/// The beginning of a response.
package struct ScrapeBeginning: Sendable {
  package var head: ScrapeHead
  package var chunks: [[UInt8]]
  /// Whether the chunks are the whole body.
  package var isComplete: Bool
}

/// Reads a shared response for one client. Use it from one task, and hold it until the client has the whole body: releasing it frees the
/// chunks that only this reader lacks, and possibly the slot.
package final class SharedScrapeReader: Sendable {
  private let scrape: SharedScrape
  private let number: Int

  fileprivate init(scrape: SharedScrape, number: Int) {
    self.scrape = scrape
    self.number = number
  }

  deinit { scrape.leave(number) }

  /// When the client times out.
  package var deadline: ContinuousClock.Instant { scrape.deadline }

  /// Waits for the first `limit` bytes of the body, or all of it. Call it once, before `chunks`.
  /// - Throws: if there is no response, or it failed before `limit` bytes. In that case nothing was returned.
  package func beginning(upTo limit: Int) async throws(Miss) -> ScrapeBeginning {
    try await scrape.beginning(for: number, upTo: limit)
  }

  /// Returns the chunks since the last call, at least one. Returns none at the end of the body.
  /// - Throws: if the response failed. The chunks returned so far are then an incomplete body.
  package func chunks() async throws(Miss) -> [[UInt8]] {
    try await scrape.chunks(for: number)
  }
}
