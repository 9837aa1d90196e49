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
    let process = Process()
    process.executableURL = URL(filePath: try requireProgram(arguments[0]))
    process.arguments = Array(arguments.dropFirst())
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { _, new in new }
    process.standardInput = FileHandle.nullDevice
    let output = Pipe()
    let folder = try TemporaryFolder()
    let errorPath = "\(folder.path)/stderr"
    try Data().write(to: URL(filePath: errorPath))
    process.standardOutput = output
    process.standardError = FileHandle(forWritingAtPath: errorPath)
    try process.run()
    let written = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      let complaint = (try? String(contentsOfFile: errorPath, encoding: .utf8)) ?? ""
      throw CommandFailed(description: "\(arguments.joined(separator: " ")): exit status \(process.terminationStatus): \(complaint)")
    }
    return String(decoding: written, as: UTF8.self)
  }
}
