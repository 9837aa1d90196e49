internal import Gzip
internal import Roll

/// What comes before the body of an answer that is handed on.
package struct ScrapeHead: Hashable, Sendable {
  package var status: Int
  package var contentType: String
  /// As the body is encoded; `nil` for a body as it is.
  package var contentEncoding: String?

  package init(status: Int, contentType: String, contentEncoding: String? = nil) {
    self.status = status
    self.contentType = contentType
    self.contentEncoding = contentEncoding
  }
}

/// Gives a page that is handed on the form that its client asked for: as it is, or by gzip.
struct ContentEncoder: ~Copyable {
  private var gzip: GzipEncoder?
  /// For the answer's head.
  let contentEncoding: String?

  init(isGzip: Bool) throws(Miss) {
    contentEncoding = isGzip ? "gzip" : nil
    guard isGzip else {
      gzip = nil
      return
    }
    guard let encoder = GzipEncoder() else { throw Miss(.unknown, "there is no memory to compress the page") }
    gzip = consume encoder
  }

  /// What goes out for these bytes, which may be nothing yet.
  mutating func encode(_ bytes: [UInt8], isLast: Bool) -> [UInt8] {
    guard contentEncoding != nil else { return bytes }
    var output: [UInt8] = []
    bytes.withUnsafeBytes { gzip?.encode($0, isLast: isLast, into: &output) }
    return output
  }
}
