/// A response whose body is read while it arrives.
package struct HTTPStream: Sendable {
  package let head: HTTPResponseHead
  package let body: HTTPBody

  package var status: Int { head.status }
  package var headers: [HTTPHeader] { head.headers }

  /// The value of the first header with that name, ignoring case.
  package func header(_ name: String) -> String? { head.header(name) }

  /// Aborts the transfer and closes its connection; reading the body then throws `.cancelled`. Releasing the stream and its body does the
  /// same.
  package func cancel() { body.transfer.cancel() }
}

/// A body as a sequence for one reader. Each element is everything that has arrived since the previous one, and never empty.
///
/// Bytes that arrived before a failure are returned before the failure is thrown, except after cancellation.
package struct HTTPBody: AsyncSequence, Sendable {
  package typealias Element = [UInt8]
  package typealias Failure = HTTPTransportError

  let transfer: TransferHandle

  package struct Iterator: AsyncIteratorProtocol {
    package typealias Failure = HTTPTransportError

    let transfer: TransferHandle

    package mutating func next() async throws(HTTPTransportError) -> [UInt8]? {
      var piece: [UInt8] = []
      return try await append(to: &piece) ? piece : nil
    }

    /// Like `next()`, but appends to a buffer; returns false at the end. Passing the same buffer each time avoids copies and allocations.
    /// After an error the buffer's content is undefined.
    package mutating func append(to buffer: inout [UInt8]) async throws(HTTPTransportError) -> Bool {
      try await transfer.exchange.append(to: &buffer, cancelledBy: transfer)
    }
  }

  package func makeAsyncIterator() -> Iterator { Iterator(transfer: transfer) }

  /// Reads the rest of the body. Throws `.tooLarge` and aborts the transfer if it exceeds `limit` bytes.
  package func collect(upTo limit: Int) async throws(HTTPTransportError) -> [UInt8] {
    var whole: [UInt8] = []
    for try await piece in self {
      guard whole.count + piece.count <= limit else {
        transfer.cancel()
        throw .tooLarge(limit: limit, transfer.exchange.detail.because("the reader accepts no more"))
      }
      if whole.isEmpty { whole = piece } else { whole += piece }
    }
    return whole
  }
}
