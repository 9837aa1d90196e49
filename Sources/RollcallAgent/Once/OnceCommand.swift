import ArgumentParser
import Exposition
import Glibc
import LinuxCollector
import Logging

/// How `rollcall-agent --once` prints what it saw.
enum OnceOutput: String, CaseIterable, ExpressibleByArgument {
  case table
  /// The table, and one of the file systems.
  case wide
  case json, metrics
}

/// One look at this host, for people and scripts.
struct OnceCommand {
  let settings: AgentSettings
  let logger: Logger

  /// - Throws: `ExitCode.failure` where nothing could be looked at.
  func run(_ output: OnceOutput) throws {
    let look = HostLook(settings, filesystems: output != .table)
    for problem in look.sweep.problems { logger.warning("cannot look at everything", metadata: ["error": "\(problem)"]) }
    SocketReport(settings, logger: logger).observe(look.sweep)
    let text: [UInt8] =
      switch output {
      case .table: Array(NetworkTable(look).text.utf8)
      case .wide: Array([NetworkTable(look).text, FilesystemTable(look).text].filter { !$0.isEmpty }.joined(separator: "\n").utf8)
      case .json: try LookDocument(look, node: settings.node).json()
      case .metrics: metrics(look.sweep)
      }
    try write(text)
    // An empty table beside a warning would pass for an empty host.
    if look.hasFailed { throw ExitCode.failure }
  }

  private func metrics(_ sweep: Sweep) -> [UInt8] {
    AgentMetrics(
      node: settings.node, roll: [], sweep: sweep,
      state: AgentState(version: Agent.version, sweeps: 1, cost: sweep.cost, answers: AnswerCounts()), process: nil,
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
