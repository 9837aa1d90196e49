internal import Synchronization

/// One request and its response, shared by the transport's thread, which delivers, and the caller's task, which reads.
///
/// Chunks are collected in a buffer, so that a slow reader takes many of them at once; beyond `bufferLimit` the thread pauses the transfer.
///
/// It has its own continuation, since the condition that a reader waits for depends on the buffer and is checked under the same lock.
final class Exchange: Sendable {
  enum Outcome {
    case complete
    case failed(HTTPTransportError)
  }

  /// What a reader waits for. The end of the transfer satisfies all of them.
  private enum Wanted {
    case head, bytes, end
  }

  private struct State {
    var head: HTTPResponseHead?
    var buffer: [UInt8] = []
    /// Set while `buffer` is the waiting reader's own: the number of bytes that were in it.
    var lent: Int?
    /// Bytes of the previous read, which predict the size of the next.
    var lastTaken = 0
    var isPaused = false
    var outcome: Outcome?
    var reader: (wanted: Wanted, continuation: CheckedContinuation<Bool, Never>)?

    var unread: Int { buffer.count - (lent ?? 0) }

    /// Doubles the buffer's capacity as an array does, but not beyond the limit.
    mutating func reserveCapacity(for count: Int, limit: Int) {
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

    /// The reader whose wait is satisfied, to be resumed outside the lock.
    mutating func readerToWake() -> CheckedContinuation<Bool, Never>? {
      guard let reader, has(reader.wanted) else { return nil }
      self.reader = nil
      return reader.continuation
    }
  }

  /// Spare capacity for the bytes that a reader puts in front of the buffer when it has not lent its own: several events of a watch.
  private static let headroom = 32 << 10

  let detail: HTTPTransportError.Detail
  private let bufferLimit: Int
  private let buffers: BodyBufferPool?
  private let state = Mutex(State())

  /// - Parameter buffers: the pool that provides the body's buffer; nil allocates one.
  init(bufferLimit: Int, buffers: BodyBufferPool? = nil, detail: HTTPTransportError.Detail) {
    self.bufferLimit = bufferLimit
    self.buffers = buffers
    self.detail = detail
  }

  // MARK: The thread's side

  func deliver(_ head: HTTPResponseHead) {
    change { $0.head = head }
  }

  /// Appends the chunk. Returns false if the buffer is full: the transfer must be paused, and the whole chunk delivered again after
  /// `resume`.
  ///
  /// Does not wake the reader: several chunks usually arrive together, and waking another thread costs more than appending one.
  func deliver(_ chunk: UnsafeRawBufferPointer) -> Bool {
    state.withLock { state in
      guard state.outcome == nil else { return true }
      guard state.unread == 0 || state.unread + chunk.count <= bufferLimit else {
        state.isPaused = true
        return false
      }
      if let buffers, state.buffer.capacity == 0 { state.buffer = buffers.take() }
      state.reserveCapacity(for: chunk.count, limit: bufferLimit)
      state.buffer.append(contentsOf: chunk)
      return true
    }
  }

  /// Wakes the reader if its wait is satisfied. Called once after the last of several `deliver`.
  func wakeReader() {
    change { _ in }
  }

  /// Sets the outcome unless there is one. Returns whether it was set.
  @discardableResult
  func finish(_ outcome: Outcome) -> Bool {
    change { state in
      guard state.outcome == nil else { return false }
      state.outcome = outcome
      return true
    }
  }

  /// The unread bytes, and whether the transfer is paused because of them.
  var unread: (bytes: Int, isPaused: Bool) { state.withLock { ($0.unread, $0.isPaused) } }

  // MARK: The reader's side

  /// Returns false if the transfer had already finished.
  func cancel() -> Bool {
    change { state in
      guard state.outcome == nil else { return false }
      state.outcome = .failed(.cancelled(detail.because("by the caller")))
      state.buffer = []
      state.lent = nil
      return true
    }
  }

  func head(cancelledBy handle: TransferHandle) async throws(HTTPTransportError) -> HTTPResponseHead {
    try await wait(for: .head, handle)
    return try state.withLock { state throws(HTTPTransportError) in
      if let head = state.head { return head }
      guard case .failed(let error) = state.outcome else { throw .malformed(detail.because("the response has no head")) }
      throw error
    }
  }

  /// Appends everything that has arrived, at least one byte; returns false at the end. After an error the buffer's content is undefined.
  func append(to buffer: inout [UInt8], cancelledBy handle: TransferHandle) async throws(HTTPTransportError) -> Bool {
    lend(&buffer)
    try await wait(for: .bytes, handle)
    let (count, wasPaused) = try state.withLock { state throws(HTTPTransportError) in
      let count = state.unread
      if count == 0, case .failed(let error) = state.outcome { throw error }
      if state.lent.take() != nil {
        swap(&buffer, &state.buffer)
      } else {
        // Swapping makes both buffers, used in turn, the size that `reserveCapacity` chooses; appending to the reader's would not.
        state.buffer.insert(contentsOf: buffer, at: 0)
        swap(&buffer, &state.buffer)
        state.buffer.removeAll(keepingCapacity: true)
      }
      defer { state.isPaused = false }
      state.lastTaken = count
      return (count, state.isPaused)
    }
    if wasPaused { handle.resume() }
    return count > 0
  }

  /// Lets the thread append to the reader's own buffer, unless bytes have already arrived or another reader waits.
  private func lend(_ buffer: inout [UInt8]) {
    state.withLock { state in
      guard state.buffer.isEmpty, state.lent == nil, state.reader == nil, state.outcome == nil else { return }
      state.lent = buffer.count
      state.buffer = []
      swap(&buffer, &state.buffer)
    }
  }

  func response(cancelledBy handle: TransferHandle) async throws(HTTPTransportError) -> HTTPResponse {
    try await wait(for: .end, handle)
    return try state.withLock { state throws(HTTPTransportError) in
      if case .failed(let error) = state.outcome { throw error }
      guard let head = state.head else { throw .malformed(detail.because("the response has no head")) }
      defer { state.buffer = [] }
      return HTTPResponse(head: head, body: state.buffer)
    }
  }

  /// Only one reader may wait at a time; a second one gets `.badRequest`.
  private func wait(for wanted: Wanted, _ handle: TransferHandle) async throws(HTTPTransportError) {
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
      handle.cancel()
    }
    if isSecond { throw .badRequest(detail.because("another reader is waiting for the same body")) }
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
