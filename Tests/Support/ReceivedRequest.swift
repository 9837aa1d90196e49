internal import Foundation

/// A request as it came over the wire to a `ScriptedServer`.
package struct ReceivedRequest: Sendable {
  package var method: String
  /// As sent: path and query.
  package var target: String
  /// In the order sent, names as sent.
  package var headers: [(name: String, value: String)]
  package var body: [UInt8]
  /// Which connection brought it, counted from 0.
  package var connection: Int

  /// The first header of that name, whatever its case.
  package func header(_ name: String) -> String? {
    headers.first { $0.name.lowercased() == name.lowercased() }?.value
  }

  /// The body as text.
  package var text: String { String(decoding: body, as: UTF8.self) }

  init?(head: [UInt8], connection: Int) {
    var lines = String(decoding: head, as: UTF8.self).components(separatedBy: "\r\n")
    let first = lines.removeFirst().split(separator: " ", omittingEmptySubsequences: false)
    guard first.count == 3 else { return nil }
    method = String(first[0])
    target = String(first[1])
    headers = lines.compactMap { line in
      guard let colon = line.firstIndex(of: ":") else { return nil }
      return (String(line[..<colon]), String(line[line.index(after: colon)...].drop { $0 == " " }))
    }
    body = []
    self.connection = connection
  }
}
