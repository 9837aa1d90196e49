import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOSSL
import NIOTLS

/// HTTP over TLS. Each new connection uses the current credentials.
struct TLSServerChannel<Base: ServerChildChannel>: ServerChildChannel {
  let base: Base
  let credentials: TLSCredentials

  func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Base.Value> {
    guard case .loaded(let context) = credentials.state else {
      // Hummingbird does not close a connection whose setup fails, and the client would wait for its own timeout.
      return channel.close().flatMapThrowing { throw NoCredentials() }
    }
    return channel.eventLoop.makeCompletedFuture {
      try channel.pipeline.syncOperations.addHandlers([
        NIOSSLServerHandler(context: context), HandshakeMonitor(logger: logger),
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

/// Monitors the handshake of one connection: logs why it failed, which the client cannot see, and closes the connection if it takes too long, since
/// an unknown client must not hold one of few connections.
final class HandshakeMonitor: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  /// Enough for a few round trips to a busy node.
  static let limit: TimeAmount = .seconds(10)

  private let logger: Logger
  private var timeout: Scheduled<Void>?

  init(logger: Logger) {
    self.logger = logger
  }

  func handlerAdded(context: ChannelHandlerContext) {
    let channel = context.channel
    timeout = context.eventLoop.scheduleTask(in: Self.limit) { channel.close(promise: nil) }
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    timeout?.cancel()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .handshakeCompleted? = event as? TLSUserEvent { timeout?.cancel() }
    context.fireUserInboundEventTriggered(event)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    if let refusal = error as? NIOSSLError, case .handshakeFailed(let cause) = refusal {
      logger.notice(
        "TLS handshake failed",
        metadata: ["client": "\(context.remoteAddress?.description ?? "unknown")", "error": "\(cause)"])
    }
    context.fireErrorCaught(error)
  }
}
