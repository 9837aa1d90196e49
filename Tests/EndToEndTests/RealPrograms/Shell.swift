import Foundation
import TestSupport

/// A command that failed, with what it wrote.
struct CommandFailed: Error, CustomStringConvertible {
  let description: String
}

/// Commands that run to their end.
enum Shell {
  @discardableResult
  static func run(_ arguments: String...) throws -> String {
    try run(arguments: arguments)
  }

  /// Returns what the command wrote to its standard output.
  /// - Throws: `CommandFailed` where it exits with anything but 0.
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
