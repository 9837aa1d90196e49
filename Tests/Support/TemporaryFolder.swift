internal import Foundation

/// A folder of its own that is removed with everything in it when this value's last owner lets go.
package final class TemporaryFolder: Sendable {
  /// Absolute, without a slash at the end; short enough for Unix sockets in it.
  package let path: String

  package init() throws {
    var template = Array("/tmp/rollcall-test-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw SocketError("mkdtemp") }
    path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Writes a file of that name and returns its path.
  package func write(_ text: String, to name: String) throws -> String {
    let file = "\(path)/\(name)"
    try Data(text.utf8).write(to: URL(fileURLWithPath: file))
    return file
  }
}
