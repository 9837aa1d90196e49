package import HummingbirdCore
package import Logging
package import NIOCore
package import NIOSSL

/// HTTP over TLS. Each new connection uses the current context.
package struct TLSServerChannel<Base: ServerChildChannel>: ServerChildChannel {
  private let base: Base
  private let context: @Sendable () -> NIOSSLContext?
  private let handshakes: HandshakeReport
  private let acceptsPlainText: Bool

  /// - Parameters:
  ///   - context: the certificate and what clients are asked for; `nil` closes the connections that need it.
  ///   - acceptsPlainText: whether clients may do without TLS. What they may read then is for the responder to decide.
  package init(
    base: Base, handshakes: HandshakeReport, acceptsPlainText: Bool, context: @escaping @Sendable () -> NIOSSLContext?
  ) {
    self.base = base
    self.handshakes = handshakes
    self.acceptsPlainText = acceptsPlainText
    self.context = context
  }

  package func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Base.Value> {
    if acceptsPlainText {
      return channel.eventLoop.makeCompletedFuture {
        try channel.pipeline.syncOperations.addHandler(PlainTextDetector(context: context, handshakes: handshakes))
      }.flatMap {
        base.setup(channel: channel, logger: logger)
      }
    }
    guard let tls = context() else {
      // Hummingbird does not close a connection whose setup fails, and the client would wait for its own timeout.
      return channel.close().flatMapThrowing { throw NoCredentials() }
    }
    return channel.eventLoop.makeCompletedFuture {
      try channel.pipeline.syncOperations.addHandlers([
        NIOSSLServerHandler(context: tls), HandshakeMonitor(report: handshakes),
      ])
    }.flatMap {
      base.setup(channel: channel, logger: logger)
    }
  }

  package func handle(value: Base.Value, logger: Logger) async {
    await base.handle(value: value, logger: logger)
  }

  /// Not logged for each connection: who has no certificate logs that once.
  private struct NoCredentials: Error {}
}
