/// What comes before the body of an answer that is handed on.
package struct PageHead: Hashable, Sendable {
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
