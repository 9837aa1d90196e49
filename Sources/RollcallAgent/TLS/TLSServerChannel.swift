import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOSSL

/// HTTP over TLS. Each new connection uses the current credentials.
struct TLSServerChannel<Base: ServerChildChannel>: ServerChildChannel {
  let base: Base
  let credentials: TLSCredentials
  let handshakes: HandshakeReport
  /// Whether clients may do without TLS. What they may read then is for the responder to decide.
  let acceptsPlainText: Bool

  func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Base.Value> {
    if acceptsPlainText {
      return channel.eventLoop.makeCompletedFuture {
        try channel.pipeline.syncOperations.addHandler(PlainTextDetector(credentials: credentials, handshakes: handshakes))
      }.flatMap {
        base.setup(channel: channel, logger: logger)
      }
    }
    guard case .loaded(let context) = credentials.state else {
      // Hummingbird does not close a connection whose setup fails, and the client would wait for its own timeout.
      return channel.close().flatMapThrowing { throw NoCredentials() }
    }
    return channel.eventLoop.makeCompletedFuture {
      try channel.pipeline.syncOperations.addHandlers([
        NIOSSLServerHandler(context: context), HandshakeMonitor(report: handshakes),
      ])
    }.flatMap {
      base.setup(channel: channel, logger: logger)
    }
  }

  func handle(value: Base.Value, logger: Logger) async {
    await base.handle(value: value, logger: logger)
  }

  /// Not logged for each connection, since `TLSCredentials` logs missing certificates once.
  private struct NoCredentials: Error {}
}
