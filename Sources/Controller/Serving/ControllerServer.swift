internal import AsyncPrimitives
internal import Glibc
internal import Hummingbird
internal import HummingbirdCore
internal import Logging
internal import NIOCore
internal import Primitives
import ServiceLifecycle

/// Serves the status page, metrics, service discovery and the API.
package final class ControllerServer: Service {
  private let controller: ControllerStatus
  private let limits: ServingLimits
  private let logger: Logger
  private let port = Promise<Result<Int, ControllerError>>()

  init(_ controller: ControllerStatus, limits: ServingLimits = ServingLimits(), logger: Logger) {
    self.controller = controller
    self.limits = limits
    self.logger = logger
  }

  /// Serves until the task is cancelled or the service group shuts down, then finishes the requests in progress.
  /// - Throws: `ControllerError.cannotListen`.
  package func run() async throws {
    let address = controller.settings.listen
    let host = address.hostToBind()
    // Hummingbird logs every connection that a client closes early.
    var quiet = logger
    quiet.logLevel = max(logger.logLevel, .error)
    let application = Application(
      responder: ControllerResponder(controller: controller, limits: limits),
      server: .http1(configuration: HTTP1Channel.Configuration(idleTimeout: TimeAmount(limits.idle))),
      configuration: ApplicationConfiguration(
        address: .hostname(host, port: address.port), serverName: nil,
        availableConnectionsDelegate: .maximum(limits.connections, logger: quiet)),
      onServerRunning: { [logger, port] channel in
        let bound = channel.localAddress?.port ?? address.port
        logger.notice("serving", metadata: ["address": "\(ListenAddress(host: host, port: bound))"])
        port.fulfill(.success(bound))
      }, logger: quiet)
    do {
      try await application.run()
    } catch {
      // NIO's description starts with the name of the Swift function.
      let reason = (error as? IOError).map { String(cString: strerror($0.errnoCode)) } ?? "\(error)"
      let failure = ControllerError.cannotListen(address: "\(address)", reason: reason)
      port.fulfill(.failure(failure))
      throw failure
    }
    port.fulfill(.failure(.stopped))
  }

  /// Waits until the server accepts connections.
  /// - Returns: the port.
  /// - Throws: the error if it cannot listen.
  package func waitUntilListening() async throws(ControllerError) -> Int {
    try await port.value().get()
  }
}

/// Limits on what a client may use (R63).
package struct ServingLimits: Hashable, Sendable {
  /// Concurrent connections; further ones wait. A Prometheus server keeps one per target, and each Windows node and each virtual node may be
  /// a target at our address: enough for two servers and 5,000 such nodes.
  package var connections = 16_384
  /// How long a connection may be idle. Longer than scrape intervals, so that a scraper keeps its connection.
  package var idle: Duration = .seconds(300)
  /// How long a client may take to read a streamed response, which retains a snapshot of the ledger. No scrape takes this long.
  package var response: Duration = .seconds(300)

  package init() {}
}
