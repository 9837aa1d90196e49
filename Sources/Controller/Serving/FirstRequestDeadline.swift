internal import NIOCore

/// Closes a connection whose client takes too long to send its first request: a stranger must not hold one of the connections for as long
/// as a scraper may between two scrapes. Receives parts of requests, not bytes.
final class FirstRequestDeadline: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = Any

  private let limit: TimeAmount
  private var timeout: Scheduled<Void>?

  init(limit: TimeAmount) {
    self.limit = limit
  }

  func handlerAdded(context: ChannelHandlerContext) {
    let channel = context.channel
    timeout = context.eventLoop.scheduleTask(in: limit) { channel.close(promise: nil) }
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    timeout?.cancel()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    timeout?.cancel()
    context.fireChannelRead(data)
  }
}
