import ArgumentParser
import Exposition
import Glibc
import LinuxCollector
import Logging
import NIOPosix

/// How `rollcall-agent --once` prints what it saw.
enum OnceOutput: String, CaseIterable, ExpressibleByArgument {
  case table, json, metrics
}

/// One look at this host, for people and scripts.
struct OnceCommand {
  let settings: AgentSettings
  let logger: Logger

  /// - Throws: `ExitCode.failure` where nothing could be looked at.
  func run(_ output: OnceOutput) throws {
    let eventLoops = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let sweep = settings.sweeper(keptNamespaces: 0, filesystems: false, eventLoops: eventLoops).sweep()
    for problem in sweep.problems { logger.warning("cannot look at everything", metadata: ["error": "\(problem)"]) }
    SocketReport(settings, logger: logger).observe(sweep)
    let text: [UInt8] =
      switch output {
      case .table: Array(SweepTable(sweep).text.utf8)
      case .json: try SweepDocument(sweep, node: settings.node).json()
      case .metrics: metrics(sweep)
      }
    try write(text)
    // An empty table beside a warning would pass for an empty host.
    if sweep.containers.isEmpty, !sweep.problems.isEmpty { throw ExitCode.failure }
  }

  private func metrics(_ sweep: Sweep) -> [UInt8] {
    AgentPage(
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
