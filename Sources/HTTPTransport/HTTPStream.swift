/// An answer whose body is still coming.
package struct HTTPStream: Sendable {
  package let head: HTTPResponseHead
  package let body: HTTPBody

  package var status: Int { head.status }
  package var headers: [HTTPHeader] { head.headers }

  /// The value of the first header of that name, whatever its case.
  package func header(_ name: String) -> String? { head.header(name) }

  /// Ends the transfer and closes its connection at once; a reader of the body sees `.cancelled`. Releasing the stream and its body does the same.
  package func cancel() { body.transfer.cancel() }
}

/// A body as a sequence for one reader. Each element is everything that had arrived since the last one, never empty.
///
/// What arrived before a failure is handed out before the failure is thrown, except after cancellation.
package struct HTTPBody: AsyncSequence, Sendable {
  package typealias Element = [UInt8]
  package typealias Failure = HTTPTransportError

  let transfer: TransferHold

  package struct Iterator: AsyncIteratorProtocol {
    package typealias Failure = HTTPTransportError

    let transfer: TransferHold

    package mutating func next() async throws(HTTPTransportError) -> [UInt8]? {
      var piece: [UInt8] = []
      return try await append(to: &piece) ? piece : nil
    }

    /// As `next()`, but appends to a buffer; false at the end. Who hands in the same buffer each time has what comes put right there, and no memory
    /// is asked for. After an error the buffer's content is lost.
    package mutating func append(to buffer: inout [UInt8]) async throws(HTTPTransportError) -> Bool {
      try await transfer.exchange.append(to: &buffer, cancelledBy: transfer)
    }
  }

  package func makeAsyncIterator() -> Iterator { Iterator(transfer: transfer) }

  /// The rest of the body in one piece; `.tooLarge` (and the end of the transfer) where it exceeds `limit` bytes.
  package func collect(upTo limit: Int) async throws(HTTPTransportError) -> [UInt8] {
    var whole: [UInt8] = []
    for try await piece in self {
      guard whole.count + piece.count <= limit else {
        transfer.cancel()
        throw .tooLarge(limit: limit, transfer.exchange.detail.because("the reader wanted no more"))
      }
      if whole.isEmpty { whole = piece } else { whole += piece }
    }
    return whole
  }
}
