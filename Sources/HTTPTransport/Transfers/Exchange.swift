internal import Synchronization

/// Where the transport's thread and the one who asked meet: the thread puts in what arrives, the reader takes out all there is.
///
/// Bytes are gathered here, so a reader that is behind costs one hand-over for many chunks; past `bufferLimit` the thread is told to pause.
final class Exchange: Sendable {
  enum Outcome {
    case complete
    case failed(HTTPTransportError)
  }

  /// What a reader waits for; the end satisfies each.
  private enum Wanted {
    case head, bytes, end
  }

  private struct State {
    var head: HTTPResponseHead?
    var buffer: [UInt8] = []
    /// Where the buffer is the reader's own, which waits for more to be appended: how many bytes it had in it.
    var lent: Int?
    /// How much the reader took the last time: as much is likely to come before the next.
    var lastTaken = 0
    var isPaused = false
    var outcome: Outcome?
    var reader: (wanted: Wanted, continuation: CheckedContinuation<Bool, Never>)?

    /// Bytes that the reader has not got.
    var unread: Int { buffer.count - (lent ?? 0) }

    /// Grows the buffer as an array does, but not beyond what it will hold.
    mutating func makeRoom(for count: Int, limit: Int) {
      let needed = buffer.count + count
      guard needed > buffer.capacity else { return }
      let most = limit.addingReportingOverflow(lent ?? Exchange.headroom)
      let wanted = max(2 * buffer.capacity, lastTaken)
      buffer.reserveCapacity(max(needed, most.overflow ? wanted : min(wanted, most.partialValue)))
    }

    func has(_ wanted: Wanted) -> Bool {
      switch wanted {
      case .head: head != nil || outcome != nil
      case .bytes: unread > 0 || outcome != nil
      case .end: outcome != nil
      }
    }

    /// The reader to wake (outside the lock), where it has what it wants.
    mutating func readerToWake() -> CheckedContinuation<Bool, Never>? {
      guard let reader, has(reader.wanted) else { return nil }
      self.reader = nil
      return reader.continuation
    }
  }

  /// Where the reader's buffer is not lent, room for what it has in there to be put in front: several events of a watch.
  private static let headroom = 32 << 10

  let detail: HTTPTransportError.Detail
  private let bufferLimit: Int
  private let buffers: BodyBuffers?
  private let state = Mutex(State())

  /// - Parameter buffers: where memory for the body is found, instead of new one.
  init(bufferLimit: Int, buffers: BodyBuffers? = nil, detail: HTTPTransportError.Detail) {
    self.bufferLimit = bufferLimit
    self.buffers = buffers
    self.detail = detail
  }

  // MARK: The thread's side

  func deliver(_ head: HTTPResponseHead) {
    change { $0.head = head }
  }

  /// Takes the chunk, or returns false: the reader is behind, and the transfer is to be paused and the whole chunk delivered again after `resume`.
  ///
  /// The reader sleeps on until `wakeReader`: chunks come by the dozen, and to wake another thread costs more than to take one.
  func deliver(_ chunk: UnsafeRawBufferPointer) -> Bool {
    state.withLock { state in
      guard state.outcome == nil else { return true }
      guard state.unread == 0 || state.unread + chunk.count <= bufferLimit else {
        state.isPaused = true
        return false
      }
      if let buffers, state.buffer.capacity == 0 { state.buffer = buffers.take() }
      state.makeRoom(for: chunk.count, limit: bufferLimit)
      state.buffer.append(contentsOf: chunk)
      return true
    }
  }

  /// Wakes the reader if there is what it waits for. To be called after `deliver`, once for all chunks that were there.
  func wakeReader() {
    change { _ in }
  }

  /// The first outcome counts; returns whether it was this one.
  @discardableResult
  func finish(_ outcome: Outcome) -> Bool {
    change { state in
      guard state.outcome == nil else { return false }
      state.outcome = outcome
      return true
    }
  }

  /// What the reader has not taken yet, and whether the transfer rests because of it.
  var unread: (bytes: Int, isPaused: Bool) { state.withLock { ($0.unread, $0.isPaused) } }

  // MARK: The reader's side

  /// Returns whether there was something to cancel.
  func cancel() -> Bool {
    change { state in
      guard state.outcome == nil else { return false }
      state.outcome = .failed(.cancelled(detail.because("by the one who asked")))
      state.buffer = []
      state.lent = nil
      return true
    }
  }

  func head(cancelledBy hold: TransferHold) async throws(HTTPTransportError) -> HTTPResponseHead {
    try await wait(for: .head, hold)
    return try state.withLock { state throws(HTTPTransportError) in
      if let head = state.head { return head }
      guard case .failed(let error) = state.outcome else { throw .malformed(detail.because("the answer has no head")) }
      throw error
    }
  }

  /// Appends everything that has arrived, at least one byte; false at the end. After an error nobody knows what is in the buffer.
  func append(to buffer: inout [UInt8], cancelledBy hold: TransferHold) async throws(HTTPTransportError) -> Bool {
    lend(&buffer)
    try await wait(for: .bytes, hold)
    let (count, wasPaused) = try state.withLock { state throws(HTTPTransportError) in
      let count = state.unread
      if count == 0, case .failed(let error) = state.outcome { throw error }
      if state.lent.take() != nil {
        swap(&buffer, &state.buffer)
      } else {
        // Not the other way round: so both buffers are of the size that `makeRoom` chooses, and are used in turn.
        state.buffer.insert(contentsOf: buffer, at: 0)
        swap(&buffer, &state.buffer)
        state.buffer.removeAll(keepingCapacity: true)
      }
      defer { state.isPaused = false }
      state.lastTaken = count
      return (count, state.isPaused)
    }
    if wasPaused { hold.resume() }
    return count > 0
  }

  /// Has what comes put into the reader's own buffer, unless something is there already, or somebody else waits.
  private func lend(_ buffer: inout [UInt8]) {
    state.withLock { state in
      guard state.buffer.isEmpty, state.lent == nil, state.reader == nil, state.outcome == nil else { return }
      state.lent = buffer.count
      state.buffer = []
      swap(&buffer, &state.buffer)
    }
  }

  func whole(cancelledBy hold: TransferHold) async throws(HTTPTransportError) -> HTTPResponse {
    try await wait(for: .end, hold)
    return try state.withLock { state throws(HTTPTransportError) in
      if case .failed(let error) = state.outcome { throw error }
      guard let head = state.head else { throw .malformed(detail.because("the answer has no head")) }
      defer { state.buffer = [] }
      return HTTPResponse(head: head, body: state.buffer)
    }
  }

  /// One reader at a time: a second one is refused.
  private func wait(for wanted: Wanted, _ hold: TransferHold) async throws(HTTPTransportError) {
    let isSecond = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let refused: Bool? = state.withLock { state in
          if state.has(wanted) { return false }
          if state.reader != nil { return true }
          state.reader = (wanted, continuation)
          return nil
        }
        if let refused { continuation.resume(returning: refused) }
      }
    } onCancel: {
      hold.cancel()
    }
    if isSecond { throw .badRequest(detail.because("two readers wait for the same body")) }
  }

  private func change<Value>(_ body: (inout State) -> Value) -> Value {
    let (value, reader) = state.withLock { state in
      let value = body(&state)
      return (value, state.readerToWake())
    }
    reader?.resume(returning: false)
    return value
  }
}
