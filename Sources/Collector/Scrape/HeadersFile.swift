internal import FoundationEssentials
package import HTTPTransport
internal import Roll
internal import Synchronization

/// Request headers from a file: one `Name: value` a line, such as `Authorization: Bearer …`, and `#` starts a comment. The file is read at
/// every use, so secrets can rotate. While it is empty or unreadable, the last headers stay in use (R20).
package final class HeadersFile: Sendable {
  /// Headers that describe our own requests; the transport sets more.
  private static let reserved: Set<String> = [
    "accept", "accept-encoding", "connection", "content-encoding", "content-type", "user-agent", "x-prometheus-remote-write-version",
    "x-prometheus-scrape-timeout-seconds",
  ]

  private let path: String
  private let isToken: Bool
  private let last = Mutex<[HTTPHeader]>([])

  /// - Parameter isToken: whether the file contains a bearer token instead of headers.
  package init(path: String, isToken: Bool = false) {
    self.path = path
    self.isToken = isToken
  }

  /// - Throws: if the file has never been readable, or if a line of it is refused. The detail names file and line and shows no value.
  package func headers() throws(Miss) -> [HTTPHeader] {
    let read = try content() ?? []
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

  /// Why a line of the file is refused; `nil` also if the file cannot be read yet.
  package var problem: String? {
    do throws(Miss) {
      _ = try content()
      return nil
    } catch {
      return error.detail
    }
  }

  /// - Returns: `nil` if the file cannot be read.
  private func content() throws(Miss) -> [HTTPHeader]? {
    guard let data = try? Data(contentsOf: URL(filePath: path)) else { return nil }
    if isToken {
      let token = String(decoding: data, as: UTF8.self).trimmed
      return token.isEmpty ? [] : [HTTPHeader("Authorization", "Bearer \(token)")]
    }
    var headers: [HTTPHeader] = []
    for (index, line) in data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
      let line = String(decoding: line, as: UTF8.self).trimmed
      guard !line.isEmpty, !line.hasPrefix("#") else { continue }
      if let problem = Self.problem(with: line) { throw Miss(.unknown, "\(path):\(index + 1): \(problem)") }
      headers.append(Self.header(line))
    }
    return headers
  }

  private static func header(_ line: String) -> HTTPHeader {
    let name = line.prefix { $0 != ":" }
    return HTTPHeader(String(name).trimmed, String(line.dropFirst(name.count + 1)).trimmed)
  }

  private static func problem(with line: String) -> String? {
    guard line.contains(":") else { return "the line is not 'Name: value'" }
    let header = header(line)
    if reserved.contains(header.name.lowercased()) { return "the header \(header.name) is set by Rollcall; remove the line" }
    return HeaderChecks.problem(with: header)
  }
}

extension String {
  fileprivate var trimmed: String {
    var text = self[...].drop(while: \.isWhitespace)
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }
}
