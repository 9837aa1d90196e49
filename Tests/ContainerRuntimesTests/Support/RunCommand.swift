import TestSupport

/// Runs a command to its end and returns its output.
@discardableResult
func runCommand(_ program: String, _ arguments: String...) async throws -> String {
  let folder = try TemporaryFolder()
  let command = try ExternalProgram(program, arguments, log: "\(folder.path)/log")
  let status = try await command.waitForExit()
  guard status == 0 else { throw CommandFailed(description: "\(program) ended with \(status): \(command.output)") }
  return command.output
}

struct CommandFailed: Error, CustomStringConvertible {
  let description: String
}
