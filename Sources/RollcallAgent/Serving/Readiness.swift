import ServiceLifecycle
import Synchronization

/// The agent is ready while it has certificates for the roll and is not shutting down.
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

  /// Turns unready at graceful shutdown, before the servers stop.
  func run() async throws {
    try await gracefulShutdown()
    isStopping.withLock { $0 = true }
  }
}
