import ArgumentParser
import Exposition
import Glibc
import LinuxCollector
import Logging
import Primitives

/// The output formats of `rollcall-agent --once`.
enum OnceOutput: String, CaseIterable, ExpressibleByArgument {
  case table
  /// The table, followed by one of file systems.
  case wide
  case json, metrics
}

/// Sweeps this host once and prints the result, for people and scripts.
struct OnceCommand {
  let settings: AgentSettings
  let logger: Logger

  /// - Throws: `ExitCode.failure` if no container could be read.
  func run(_ output: OnceOutput) throws {
    let snapshot = HostSnapshot(settings, filesystems: output != .table)
    for problem in snapshot.sweep.problems { logger.warning("sweep incomplete", metadata: ["error": "\(problem)"]) }
    SocketReport(settings, logger: logger).observe(snapshot.sweep)
    let text: [UInt8] =
      switch output {
      case .table: Array(NetworkTable(snapshot).text.utf8)
      case .wide: Array([NetworkTable(snapshot).text, FilesystemTable(snapshot).text].filter { !$0.isEmpty }.joined(separator: "\n").utf8)
      case .json: try SnapshotDocument(snapshot, node: settings.node).json()
      case .metrics: metrics(snapshot.sweep)
      }
    try write(text)
    // Otherwise a script would take an empty table for an empty host.
    if snapshot.hasFailed { throw ExitCode.failure }
  }

  private func metrics(_ sweep: Sweep) -> [UInt8] {
    AgentMetrics(
      node: settings.node, roll: [], sweep: sweep,
      state: AgentState(version: ProductVersion.current, sweeps: 1, cost: sweep.cost, answers: AnswerCounts()), process: nil,
      memoryPageBytes: Int64(sysconf(Int32(_SC_PAGESIZE))), isCadvisorCompatible: settings.compatibility == .cadvisor
    ).render()
  }

  private func write(_ bytes: [UInt8]) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      let written = rest.withUnsafeBytes { Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
      if written < 0 {
        if errno == EINTR { continue }
        throw ExitCode.failure
      }
      rest = rest.dropFirst(written)
    }
  }
}
