/// Builds a response's head from the header lines of libcurl, skips interim responses, and limits the total size.
struct ResponseHeadReader {
  enum Progress: Equatable {
    case more
    /// The final head is complete.
    case complete(HTTPResponseHead)
    /// The limit is exceeded.
    case tooLarge
    case malformed
  }

  private let limit: Int
  private var byteCount = 0
  private var head: HTTPResponseHead?
  private(set) var isComplete = false

  init(limit: Int) {
    self.limit = limit
  }

  /// Takes one line including its line break. Lines after the final head are trailers, which only count towards the limit.
  mutating func take(_ line: UnsafeRawBufferPointer) -> Progress {
    byteCount += line.count
    guard byteCount <= limit else { return .tooLarge }
    guard !isComplete else { return .more }
    let text = String(decoding: line.trimmingLineBreak(), as: UTF8.self)
    guard let known = head else {
      guard let status = Self.status(of: text) else { return .malformed }
      head = HTTPResponseHead(status: status, headers: [])
      return .more
    }
    if text.isEmpty {
      head = nil
      // 1xx is interim, except for 101, which ends HTTP on the connection.
      if (100...199).contains(known.status), known.status != 101 { return .more }
      isComplete = true
      return .complete(known)
    }
    if text.hasPrefix(" ") || text.hasPrefix("\t"), !known.headers.isEmpty {
      // RFC 9112 5.2: a folded line continues the previous value.
      head?.headers[known.headers.count - 1].value += " " + text[...].trimmingBlanks()
    } else if let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")) {
      head?.headers.append(HTTPHeader(String(text[..<colon]), text[text.utf8.index(after: colon)...].trimmingBlanks()))
    }
    return .more
  }

  /// `HTTP/1.1 200 OK`, `HTTP/2 200`.
  private static func status(of line: String) -> Int? {
    let words = line.split(separator: " ", maxSplits: 2)
    guard words.count >= 2, words[0].hasPrefix("HTTP/"), words[1].utf8.count == 3 else { return nil }
    return Int(words[1])
  }
}

extension UnsafeRawBufferPointer {
  fileprivate func trimmingLineBreak() -> Slice<UnsafeRawBufferPointer> {
    var end = endIndex
    if end > startIndex, self[end - 1] == UInt8(ascii: "\n") { end -= 1 }
    if end > startIndex, self[end - 1] == UInt8(ascii: "\r") { end -= 1 }
    return self[..<end]
  }
}

extension Substring {
  /// Works on bytes, since it runs for every header of every response.
  fileprivate func trimmingBlanks() -> String {
    func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
    var rest = utf8
    while let first = rest.first, isBlank(first) { rest.removeFirst() }
    while let last = rest.last, isBlank(last) { rest.removeLast() }
    return String(Substring(rest))
  }
}
