internal import Synchronization

/// The status and headers of a final response; interim 1xx responses are skipped.
package struct HTTPResponseHead: Sendable, Hashable {
  package var status: Int
  /// In the order received.
  package var headers: [HTTPHeader]

  package init(status: Int, headers: [HTTPHeader]) {
    self.status = status
    self.headers = headers
  }

  /// The value of the first header with that name, ignoring case.
  package func header(_ name: String) -> String? {
    headers.first { $0.name.count == name.count && $0.name.lowercased() == name.lowercased() }?.value
  }
}

/// A response with its complete body.
package struct HTTPResponse: Sendable, Hashable {
  package var head: HTTPResponseHead
  /// Decompressed if the request accepted compression.
  package var body: [UInt8]

  package init(head: HTTPResponseHead, body: [UInt8]) {
    self.head = head
    self.body = body
  }

  package var status: Int { head.status }
  package var headers: [HTTPHeader] { head.headers }

  /// The value of the first header with that name, ignoring case.
  package func header(_ name: String) -> String? { head.header(name) }
}

/// Reusable buffers for response bodies, for callers that send many requests and discard each body once it is parsed. The pool holds at
/// most one buffer for each transfer in flight, grown to the largest body that it has held.
package final class BodyBufferPool: Sendable {
  /// Larger buffers are freed: other bodies are unlikely to need as much.
  private static let largest = 1 << 20

  private let limit: Int
  private let free = Mutex<[[UInt8]]>([])

  /// - Parameter limit: the number of idle buffers that are kept.
  package init(limit: Int) {
    self.limit = limit
  }

  func take() -> [UInt8] {
    var buffer = free.withLock { $0.popLast() } ?? []
    buffer.removeAll(keepingCapacity: true)
    return buffer
  }

  /// Moves the body of a response back into the pool.
  package func recycle(_ response: inout HTTPResponse) {
    var buffer: [UInt8] = []
    swap(&buffer, &response.body)
    guard (1...Self.largest).contains(buffer.capacity) else { return }
    free.withLock { free in
      if free.count < limit { free.append(buffer) }
    }
  }

  /// Frees all idle buffers.
  package func releaseAll() {
    free.withLock { $0 = [] }
  }
}
