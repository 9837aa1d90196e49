internal import AsyncPrimitives
internal import Glibc
internal import Hummingbird
internal import HummingbirdCore
internal import Logging
internal import NIOCore
internal import Primitives
import ServiceLifecycle
internal import TLSServing

/// Serves the status page, metrics, service discovery and the API.
package final class ControllerServer: Service {
  private let controller: ControllerStatus
  private let access: PortAccess
  private let tls: PortTLS?
  private let limits: ServingLimits
  private let logger: Logger
  private let port = Promise<Result<Int, ControllerError>>()

  /// - Parameter tls: `nil` to serve without TLS.
  init(
    _ controller: ControllerStatus, access: PortAccess, tls: PortTLS? = nil, limits: ServingLimits = ServingLimits(), logger: Logger
  ) {
    self.controller = controller
    self.access = access
    self.tls = tls
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
      responder: ControllerResponder(controller: controller, access: access, limits: limits), server: protocols,
      configuration: ApplicationConfiguration(
        address: .hostname(host, port: address.port), serverName: nil,
        availableConnectionsDelegate: .maximum(limits.connections, logger: quiet)),
      onServerRunning: { [self] channel in
        let bound = channel.localAddress?.port ?? address.port
        announce(ListenAddress(host: host, port: bound))
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

  /// HTTP/1.1. With TLS the first byte of a connection shows whether its client uses it: probes and `kubectl port-forward` need not.
  private var protocols: HTTPServerBuilder {
    let limits = limits
    let counts = ConnectionCounts(limit: limits.connectionsPerAddress)
    let configuration = HTTP1Channel.Configuration(
      additionalChannelHandlers: [
        ConnectionsPerAddress(counts: counts), FirstRequestDeadline(limit: TimeAmount(limits.firstRequest)),
      ], idleTimeout: TimeAmount(limits.idle),
      httpDecoderConfiguration: .init(maxHeaderFieldSize: limits.headers, maxHeaderListSize: limits.headers, maxHeaderFieldCount: 100))
    guard let tls else { return .http1(configuration: configuration) }
    let handshakes = HandshakeReport(logger: logger, advice: \.portAdvice)
    return HTTPServerBuilder { responder in
      TLSServerChannel(
        base: HTTP1Channel(responder: responder, configuration: configuration), handshakes: handshakes, acceptsPlainText: true,
        context: { tls.context })
    }
  }

  private func announce(_ address: ListenAddress) {
    let settings = access.settings
    logger.notice(
      "serving",
      metadata: [
        "address": "\(address)", "tls": "\(settings.wantsTLS)", "authorization": "\(settings.wantsAuthorization)",
        "open": "\(settings.openPaths.map(\.rawValue).sorted().joined(separator: " "))",
      ])
    if !settings.wantsAuthorization {
      logger.warning("--authorization is off: whoever reaches this port can read everything")
    } else if !settings.wantsTLS {
      logger.warning("--listen-tls is off: bearer tokens reach this port in the clear")
    }
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
  /// Concurrent connections; further ones wait. A Prometheus server keeps one per target, and each Windows node and each virtual node may
  /// be a target at our address: enough for two servers and 5,000 such nodes.
  package var connections = 16_384
  /// Concurrent connections from one address, or from one IPv6 network of 64 bits; further ones are closed. Enough for a Prometheus server
  /// with 5,000 targets at our address, and two clients are needed to take all connections.
  package var connectionsPerAddress = 8_192
  /// How long a client may take to send the head of its first request.
  package var firstRequest: Duration = .seconds(10)
  /// The size of the headers of a request, in bytes: a token, and what browsers and proxies add. All connections together may hold as much.
  package var headers = 16 << 10
  /// How long a connection may be idle. Longer than scrape intervals, so that a scraper keeps its connection.
  package var idle: Duration = .seconds(300)
  /// How long a client may take to read a streamed response, which retains a snapshot of the ledger. No scrape takes this long.
  package var response: Duration = .seconds(300)

  package init() {}
}
