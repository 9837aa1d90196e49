import Foundation
import JSON

@testable import KubeClient

extension ConfigurationDirectory {
  /// Writes a shell script that can be run.
  /// - Returns: its path.
  @discardableResult
  func script(_ name: String, _ body: String) throws -> String {
    let path = try write(name, "#!/bin/sh\n\(body)\n")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
    return path
  }

  /// A plugin that writes this status, as an ExecCredential, and leaves a line in the file `runs` each time.
  @discardableResult
  func plugin(_ name: String = "plugin", version: CredentialPlugin.APIVersion = .v1, status: String) throws -> String {
    try script(
      name, "echo run >> '\(path)/runs'\necho '{\"apiVersion\":\"\(version.rawValue)\",\"kind\":\"ExecCredential\",\"status\":\(status)}'")
  }

  func text(_ name: String) throws -> String {
    try String(contentsOfFile: "\(path)/\(name)", encoding: .utf8)
  }

  /// How often the plugin ran.
  var runs: Int {
    get throws { try text("runs").split(separator: "\n").count }
  }
}
