internal import NIOCore
internal import NIOSSL

/// Decides by the first byte of a connection whether the client uses TLS. Probes may be made in plain text: a process that waits for its
/// certificates is alive, and a kubelet that got no answer would restart it again and again.
final class PlainTextDetector: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer

  /// The type of a TLS record with a handshake message. No HTTP method begins with it. Source: RFC 8446, section 5.1.
  private static let handshakeRecord: UInt8 = 22

  private let context: @Sendable () -> NIOSSLContext?
  private let handshakes: HandshakeReport
  private var timeout: Scheduled<Void>?

  init(context: @escaping @Sendable () -> NIOSSLContext?, handshakes: HandshakeReport) {
    self.context = context
    self.handshakes = handshakes
  }

  func handlerAdded(context: ChannelHandlerContext) {
    let channel = context.channel
    timeout = context.eventLoop.scheduleTask(in: HandshakeMonitor.limit) { channel.close(promise: nil) }
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    timeout?.cancel()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let bytes = unwrapInboundIn(data)
    guard let first = bytes.getInteger(at: bytes.readerIndex, as: UInt8.self) else { return }
    if first == Self.handshakeRecord {
      do {
        guard let tls = self.context() else { return context.close(promise: nil) }
        try context.pipeline.syncOperations.addHandlers(
          [NIOSSLServerHandler(context: tls), HandshakeMonitor(report: handshakes)], position: .after(self))
      } catch {
        context.fireErrorCaught(error)
        return context.close(promise: nil)
      }
    }
    context.fireChannelRead(data)
    context.pipeline.syncOperations.removeHandler(self, promise: nil)
  }
}
