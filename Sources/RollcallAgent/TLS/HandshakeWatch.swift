import Logging
import NIOCore
import NIOSSL
import NIOTLS

/// Minds the handshake of one connection. It says why a client was turned away, for from the outside all that is seen is a connection that
/// closes; and it closes a connection whose client does not get through: of who that is nothing is known, and it holds one of few places.
final class HandshakeWatch: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  /// Ample for a few round trips to a busy node.
  static let limit: TimeAmount = .seconds(10)

  private let logger: Logger
  private var end: Scheduled<Void>?

  init(logger: Logger) {
    self.logger = logger
  }

  func handlerAdded(context: ChannelHandlerContext) {
    let channel = context.channel
    end = context.eventLoop.scheduleTask(in: Self.limit) { channel.close(promise: nil) }
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    end?.cancel()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .handshakeCompleted? = event as? TLSUserEvent { end?.cancel() }
    context.fireUserInboundEventTriggered(event)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    if let refusal = error as? NIOSSLError, case .handshakeFailed(let cause) = refusal {
      logger.notice(
        "a connection by TLS was refused",
        metadata: ["client": "\(context.remoteAddress?.description ?? "unknown")", "error": "\(cause)"])
    }
    context.fireErrorCaught(error)
  }
}
