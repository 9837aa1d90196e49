/// The status and headers of an answer (interim 1xx answers are not shown).
package struct HTTPResponseHead: Sendable, Hashable {
  package var status: Int
  /// In the order received.
  package var headers: [HTTPHeader]

  package init(status: Int, headers: [HTTPHeader]) {
    self.status = status
    self.headers = headers
  }

  /// The value of the first header of that name, whatever its case.
  package func header(_ name: String) -> String? {
    headers.first { $0.name.count == name.count && $0.name.lowercased() == name.lowercased() }?.value
  }
}

/// An answer with its whole body.
package struct HTTPResponse: Sendable, Hashable {
  package var head: HTTPResponseHead
  /// Decompressed where the request accepted compression.
  package var body: [UInt8]

  package init(head: HTTPResponseHead, body: [UInt8]) {
    self.head = head
    self.body = body
  }

  package var status: Int { head.status }
  package var headers: [HTTPHeader] { head.headers }

  /// The value of the first header of that name, whatever its case.
  package func header(_ name: String) -> String? { head.header(name) }
}
