internal import Foundation

/// Why a real program could not be used; the text says what to install or what the program wrote.
package struct ExternalProgramError: Error, CustomStringConvertible {
  package let description: String
}

/// The program's path, or nil if it is not installed. For `.enabled(if:)`: `@Test(.enabled(if: findProgram("nginx") != nil, "nginx is
/// not installed"))`.
package func findProgram(_ name: String) -> String? {
  let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
  let folders = path.split(separator: ":").map(String.init) + ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/bin"]
  return folders.map { "\($0)/\(name)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
}

/// Where the program is; throws an error that names the program and what to do, so that the test's report holds the reason.
package func requireProgram(_ name: String, package: String? = nil) throws(ExternalProgramError) -> String {
  if let path = findProgram(name) { return path }
  throw ExternalProgramError(description: "\(name) is not installed: apt-get install \(package ?? name)")
}

/// A real program that a test runs beside itself: its output goes to a file, and it is stopped (TERM, then KILL, by its own pid) by
/// `stop()` or on release.
///
///     let folder = try TemporaryFolder()
///     let address = OwnAddress()
///     let nginx = try ExternalProgram("nginx", ["-p", folder.path, "-c", "nginx.conf"], log: folder.path + "/nginx.log")
///     defer { nginx.stop() }
///     try await nginx.waitForPort(address)
package final class ExternalProgram: Sendable {
  private let process: SpawnedProcess
  private let name: String
  /// The file that holds what the program wrote to both of its outputs.
  package let logPath: String

  /// Starts it. `environment` is added to the test's own.
  package init(
    _ name: String, _ arguments: [String], environment: [String: String] = [:], directory: String? = nil, log logPath: String
  ) throws {
    process = try SpawnedProcess(
      name.contains("/") ? name : try requireProgram(name), arguments, environment: environment, directory: directory, outputPath: logPath)
    self.name = name
    self.logPath = logPath
  }

  deinit { stop() }

  package var processIdentifier: Int32 { process.processIdentifier }

  package var isRunning: Bool { process.exitStatus == nil }

  /// What it wrote so far.
  package var output: String { (try? String(contentsOfFile: logPath, encoding: .utf8)) ?? "" }

  /// Returns when a TCP connection to the port is accepted. Throws with the program's output if it ends or `limit` passes first.
  package func waitForPort(_ port: Int, host: String = "127.0.0.1", within limit: Duration = .seconds(120)) async throws {
    _ = try await wait(for: "port \(port)", within: limit) { accepts(host: host, port: port) ? true : nil }
  }

  package func waitForPort(_ address: OwnAddress) async throws {
    try await waitForPort(address.port, host: address.host)
  }

  /// Returns the first line of output that holds the text; throws as `waitForPort` does.
  package func waitForLine(containing text: String, within limit: Duration = .seconds(120)) async throws -> String {
    try await wait(for: "a line with \"\(text)\"", within: limit) {
      output.split(separator: "\n").first { $0.contains(text) }.map(String.init)
    }
  }

  /// Returns the exit status when it has ended of its own accord.
  package func waitForExit(within limit: Duration = .seconds(120)) async throws -> Int32 {
    let end = ContinuousClock.now + limit
    while true {
      if let status = process.exitStatus { return status }
      if ContinuousClock.now > end { throw ExternalProgramError(description: "\(name) still runs after \(limit):\n\(output.suffix(2000))") }
      try await Task.sleep(for: .milliseconds(10))
    }
  }

  package func send(signal: Int32) { process.send(signal: signal) }

  /// TERM, then KILL after 5 s; returns when it is gone. May be called twice.
  package func stop() {
    send(signal: SIGTERM)
    for _ in 0..<500 where isRunning { usleep(10_000) }
    send(signal: SIGKILL)
    process.wait()
  }

  private func wait<Value>(for what: String, within limit: Duration, _ look: () -> Value?) async throws -> Value {
    let end = ContinuousClock.now + limit
    while true {
      if let value = look() { return value }
      guard isRunning else { throw ExternalProgramError(description: "\(name) ended before \(what) was there:\n\(output.suffix(2000))") }
      guard ContinuousClock.now < end else {
        throw ExternalProgramError(description: "\(name): no \(what) after \(limit):\n\(output.suffix(2000))")
      }
      try await Task.sleep(for: .milliseconds(20))
    }
  }
}

/// Whether somebody accepts TCP connections there.
private func accepts(host: String, port: Int) -> Bool {
  guard let descriptor = connectedSocket(host: host, port: port) else { return false }
  close(descriptor)
  return true
}
