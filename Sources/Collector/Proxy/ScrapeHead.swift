internal import Gzip
internal import Roll

/// The head of a relayed response.
package struct ScrapeHead: Hashable, Sendable {
  package var status: Int
  package var contentType: String
  /// `nil` if the body is not encoded.
  package var contentEncoding: String?

  package init(status: Int, contentType: String, contentEncoding: String? = nil) {
    self.status = status
    self.contentType = contentType
    self.contentEncoding = contentEncoding
  }
}

/// Encodes a relayed body as its client requested: with gzip or not at all.
struct ContentEncoder: ~Copyable {
  private var gzip: GzipEncoder?
  /// For the response's head.
  let contentEncoding: String?

  init(isGzip: Bool) throws(Miss) {
    contentEncoding = isGzip ? "gzip" : nil
    guard isGzip else {
      gzip = nil
      return
    }
    guard let encoder = GzipEncoder() else { throw Miss(.unknown, "out of memory while compressing a response") }
    gzip = consume encoder
  }

  /// Returns the encoded bytes that are ready. May be empty.
  mutating func encode(_ bytes: [UInt8], isLast: Bool) -> [UInt8] {
    guard contentEncoding != nil else { return bytes }
    var output: [UInt8] = []
    bytes.withUnsafeBytes { gzip?.encode($0, isLast: isLast, into: &output) }
    return output
  }
}
