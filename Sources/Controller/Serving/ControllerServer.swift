internal import Hummingbird
internal import HummingbirdCore
package import Logging
internal import NIOCore
import ServiceLifecycle
internal import Synchronization

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Serves the status page, metrics, service discovery and the API.
package final class ControllerServer: Service {
  private let view: ControllerView
  private let address: ListenAddress
  private let limits: ServingLimits
  private let logger: Logger
  private let port: PortPromise

  package init(view: ControllerView, address: ListenAddress, limits: ServingLimits = ServingLimits(), logger: Logger) {
    self.view = view
    self.address = address
    self.limits = limits
    self.logger = logger
    port = PortPromise()
  }

  /// Serves until the task is cancelled or the service group shuts down; requests that are under way are answered then.
  /// - Throws: `ControllerError.cannotListen`.
  package func run() async throws {
    // Hummingbird logs every connection that a client cuts; that is no news of ours.
    var quiet = logger
    quiet.logLevel = max(logger.logLevel, .error)
    let application = Application(
      responder: ControllerResponder(view, limits: limits),
      server: .http1(configuration: HTTP1Channel.Configuration(idleTimeout: TimeAmount(limits.idle))),
      configuration: ApplicationConfiguration(
        address: .hostname(address.host, port: address.port), serverName: nil,
        availableConnectionsDelegate: .maximum(limits.connections, logger: quiet)),
      onServerRunning: { [logger, port, address] channel in
        let bound = channel.localAddress?.port ?? address.port
        logger.notice("serving", metadata: ["address": "\(ListenAddress(host: address.host, port: bound))"])
        port.settle(.success(bound))
      }, logger: quiet)
    do {
      try await application.run()
    } catch {
      // NIO's own text begins with the call's name in Swift.
      let reason = (error as? IOError).map { String(cString: strerror($0.errnoCode)) } ?? "\(error)"
      let failure = ControllerError.cannotListen(address: "\(address)", reason: reason)
      port.settle(.failure(failure))
      throw failure
    }
    port.settle(.failure(.stopped))
  }

  /// Waits until the server accepts connections.
  /// - Returns: the port.
  /// - Throws: why it does not listen.
  package func waitUntilListening() async throws(ControllerError) -> Int {
    try await port.value().get()
  }
}

/// The port, once it is known.
private final class PortPromise: Sendable {
  private struct State {
    var result: Result<Int, ControllerError>?
    var waiters: [CheckedContinuation<Result<Int, ControllerError>, Never>] = []
  }

  private let state = Mutex(State())

  func settle(_ result: Result<Int, ControllerError>) {
    let waiters = state.withLock { state in
      guard state.result == nil else { return [CheckedContinuation<Result<Int, ControllerError>, Never>]() }
      state.result = result
      defer { state.waiters = [] }
      return state.waiters
    }
    for waiter in waiters { waiter.resume(returning: result) }
  }

  func value() async -> Result<Int, ControllerError> {
    await withCheckedContinuation { continuation in
      let result = state.withLock { state in
        if state.result == nil { state.waiters.append(continuation) }
        return state.result
      }
      if let result { continuation.resume(returning: result) }
    }
  }
}

/// What clients may take of the server, whoever they are (R63).
package struct ServingLimits: Hashable, Sendable {
  /// Connections at once; who comes next waits. A Prometheus server keeps one for each target, and there may be a target of ours for each
  /// Windows node and each virtual node: two servers with 5,000 of them, and room.
  package var connections = 16_384
  /// How long a connection may be without a request. Longer than scrape intervals are, so that a scraper keeps its connection.
  package var idle: Duration = .seconds(300)
  /// How long a client may take to read an answer that is made while it is sent. The answer holds on to the ledger as it was at its
  /// beginning, and no scrape lasts this long.
  package var answer: Duration = .seconds(300)

  package init() {}
}
