import Foundation
import TestSupport

/// A folder with Debian's static busybox, as the root of containers.
enum BusyboxRoot {
  static func make(at root: String) throws {
    try FileManager.default.createDirectory(atPath: "\(root)/bin", withIntermediateDirectories: true)
    try FileManager.default.copyItem(atPath: requireProgram("busybox", package: "busybox-static"), toPath: "\(root)/bin/busybox")
    for name in ["sh", "sleep", "pause"] {
      try FileManager.default.createSymbolicLink(atPath: "\(root)/bin/\(name)", withDestinationPath: "busybox")
    }
  }
}

/// Runs a command to its end, and returns what it wrote.
@discardableResult
func run(_ program: String, _ arguments: String...) async throws -> String {
  let folder = try TemporaryFolder()
  let command = try ExternalProgram(program, arguments, log: "\(folder.path)/log")
  let status = try await command.waitForExit()
  guard status == 0 else { throw CommandFailed(description: "\(program) ended with \(status): \(command.output)") }
  return command.output
}

struct CommandFailed: Error, CustomStringConvertible {
  let description: String
}
