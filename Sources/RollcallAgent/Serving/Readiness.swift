import ServiceLifecycle
import Synchronization

/// The agent is ready while it has the certificates that it needs and is not shutting down.
final class Readiness: Service {
  enum Condition: Equatable {
    case ready
    case waiting(String)
  }

  private let roll: TLSCredentials
  /// `nil` without TLS.
  private let metrics: TLSCredentials?
  private let isStopping = Mutex(false)

  init(roll: TLSCredentials, metrics: TLSCredentials?) {
    self.roll = roll
    self.metrics = metrics
  }

  var current: Condition {
    if isStopping.withLock({ $0 }) { return .waiting("stopping") }
    if case .missing(let reason) = roll.state { return .waiting("no certificates for the roll: \(reason)") }
    if case .missing(let reason) = metrics?.state { return .waiting("no certificates for /metrics: \(reason)") }
    return .ready
  }

  /// Turns unready at graceful shutdown, before the servers stop.
  func run() async throws {
    try await gracefulShutdown()
    isStopping.withLock { $0 = true }
  }
}
