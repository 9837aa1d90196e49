internal import FoundationEssentials
package import HTTPTransport
internal import Roll
internal import Synchronization

/// Request headers from a file: one `Name: value` a line, such as `Authorization: Bearer …`, and `#` starts a comment. The file is read at
/// every use, so secrets can rotate. While it is empty or unreadable, the last headers stay in use (R20).
package final class HeadersFile: Sendable {
  private let path: String
  private let isToken: Bool
  private let last = Mutex<[HTTPHeader]>([])

  /// - Parameter isToken: whether the file contains a bearer token instead of headers.
  package init(path: String, isToken: Bool = false) {
    self.path = path
    self.isToken = isToken
  }

  /// - Throws: if the file has never been readable.
  package func headers() throws(Miss) -> [HTTPHeader] {
    let read =
      (try? Data(contentsOf: URL(filePath: path))).map { isToken ? Self.token(in: [UInt8]($0)) : Self.headers(in: [UInt8]($0)) } ?? []
    let known = last.withLock { last in
      if !read.isEmpty { last = read }
      return last
    }
    guard !known.isEmpty else {
      throw Miss(
        .unknown, isToken ? "cannot read a token from \(path)" : "cannot read headers from \(path): each line must be 'Name: value'")
    }
    return known
  }

  private static func token(in text: [UInt8]) -> [HTTPHeader] {
    let token = String(decoding: text, as: UTF8.self).trimmed
    return token.isEmpty ? [] : [HTTPHeader("Authorization", "Bearer \(token)")]
  }

  private static func headers(in text: [UInt8]) -> [HTTPHeader] {
    text.split(separator: UInt8(ascii: "\n")).compactMap { line in
      let line = String(decoding: line, as: UTF8.self).trimmed
      guard !line.hasPrefix("#"), let colon = line.firstIndex(of: ":") else { return nil }
      return HTTPHeader(String(line[..<colon]).trimmed, String(line[line.index(after: colon)...]).trimmed)
    }
  }
}

extension String {
  fileprivate var trimmed: String {
    var text = self[...].drop(while: \.isWhitespace)
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }
}
