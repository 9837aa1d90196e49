internal import FoundationEssentials

/// A directory of the demo. Files are written atomically.
struct DemoDirectory: Sendable {
  var path: String

  /// Creates an empty directory that only this user can read.
  static func temporary() throws -> DemoDirectory {
    let url = FileManager.default.temporaryDirectory.appending(component: "rollcall-demo-\(UUID().uuidString)")
    try FileManager.default.createDirectory(
      at: url, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    return DemoDirectory(path: url.path)
  }

  func subdirectory(_ name: String) throws -> DemoDirectory {
    try FileManager.default.createDirectory(atPath: "\(path)/\(name)", withIntermediateDirectories: true)
    return DemoDirectory(path: "\(path)/\(name)")
  }

  func write(_ text: some StringProtocol, to name: String) throws {
    let file = URL(filePath: "\(path)/\(name)")
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: file, options: .atomic)
  }

  func remove() throws {
    try FileManager.default.removeItem(atPath: path)
  }
}
