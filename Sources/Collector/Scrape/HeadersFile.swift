internal import FoundationEssentials
package import HTTPTransport
internal import Roll
internal import Synchronization

/// Headers that a user keeps in a file, one `Name: value` a line, such as `Authorization: Bearer …`; `#` begins a comment. Read again
/// at every use, so that a secret can rotate; while the file is empty or cannot be read, what it said last holds (R20).
package final class HeadersFile: Sendable {
  private let path: String
  private let isToken: Bool
  private let last = Mutex<[HTTPHeader]>([])

  /// - Parameter isToken: the file is one bearer token and nothing else.
  package init(path: String, isToken: Bool = false) {
    self.path = path
    self.isToken = isToken
  }

  /// - Throws: why there are none, where the file was never readable.
  package func headers() throws(Miss) -> [HTTPHeader] {
    let read =
      (try? Data(contentsOf: URL(filePath: path))).map { isToken ? Self.token(in: [UInt8]($0)) : Self.headers(in: [UInt8]($0)) } ?? []
    let known = last.withLock { last in
      if !read.isEmpty { last = read }
      return last
    }
    guard !known.isEmpty else {
      throw Miss(
        .unknown,
        isToken ? "no token can be read from \(path)" : "no header can be read from \(path), where each line is to be 'Name: value'")
    }
    return known
  }

  private static func token(in text: [UInt8]) -> [HTTPHeader] {
    let token = String(decoding: text, as: UTF8.self).trimmed
    return token.isEmpty ? [] : [HTTPHeader("Authorization", "Bearer \(token)")]
  }

  static func headers(in text: [UInt8]) -> [HTTPHeader] {
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
