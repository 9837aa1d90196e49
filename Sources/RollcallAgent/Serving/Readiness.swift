import ServiceLifecycle
import Synchronization

/// Whether the agent can do all of its work: it has certificates for the roll, and it was not told to stop.
final class Readiness: Service {
  enum Condition: Equatable {
    case ready
    case waiting(String)
  }

  private let credentials: TLSCredentials
  private let isStopping = Mutex(false)

  init(credentials: TLSCredentials) {
    self.credentials = credentials
  }

  var current: Condition {
    if isStopping.withLock({ $0 }) { return .waiting("stopping") }
    return switch credentials.state {
    case .loaded: .ready
    case .missing(let reason): .waiting("no certificates for the roll: \(reason)")
    }
  }

  /// Notices the request to stop before the servers do.
  func run() async throws {
    try await gracefulShutdown()
    isStopping.withLock { $0 = true }
  }
}
