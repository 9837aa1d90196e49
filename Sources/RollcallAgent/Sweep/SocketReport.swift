import LinuxCollector
import Logging
import ProcFS
import Synchronization

/// Logs once when sockets cannot be counted by state as configured, and once when they can again.
final class SocketReport: Sendable {
  private let settings: AgentSettings
  private let logger: Logger
  private let problem = Mutex<ProcFSError?>(nil)

  init(_ settings: AgentSettings, logger: Logger) {
    self.settings = settings
    self.logger = logger
  }

  func observe(_ sweep: Sweep) {
    // A sweep without sockets proves nothing.
    let isCounted = sweep.namespaces.contains { $0.sockets != nil && $0.sockstat[.tcpInUse] != 0 }
    let now = sweep.socketProblem
    let before = problem.withLock { problem -> ProcFSError? in
      defer { if now != nil || isCounted { problem = now } }
      return problem
    }
    if let now, before == nil {
      let instead = settings.sockets == .inetDiagOrText ? "reading /proc/<pid>/net/tcp" : "omitting these metrics"
      let remedy =
        now.isPermissionDenied
        ? "grant the agent CAP_SYS_ADMIN (see manifests/socket-states)" : "load the kernel modules tcp_diag and udp_diag on the node"
      logger.warning(
        "cannot count sockets by state",
        metadata: [
          "error": "\(now)", "instead": "\(instead)", "advice": "\(remedy), or choose --sockets text or --sockets off",
        ])
    } else if before != nil, now == nil, isCounted {
      logger.notice("counting sockets by state again")
    }
  }
}
