import Foundation
import TestSupport

/// A failed command, with its output.
struct CommandFailed: Error, CustomStringConvertible {
  let description: String
}

enum Shell {
  @discardableResult
  static func run(_ arguments: String...) throws -> String {
    try run(arguments: arguments)
  }

  /// Runs a command to completion.
  /// - Returns: its standard output.
  /// - Throws: `CommandFailed` with its standard error if the exit status is not 0.
  @discardableResult
  static func run(arguments: [String], environment: [String: String] = [:]) throws -> String {
    let folder = try TemporaryFolder()
    let output = "\(folder.path)/stdout"
    let errors = "\(folder.path)/stderr"
    let status = try SpawnedProcess(
      try requireProgram(arguments[0]), Array(arguments.dropFirst()), environment: environment, outputPath: output, errorPath: errors
    ).wait()
    guard status == 0 else {
      let complaint = (try? String(contentsOfFile: errors, encoding: .utf8)) ?? ""
      throw CommandFailed(description: "\(arguments.joined(separator: " ")): exit status \(status): \(complaint)")
    }
    return String(decoding: try Data(contentsOf: URL(filePath: output)), as: UTF8.self)
  }
}
