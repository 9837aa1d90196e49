import Logging
import NIOCore
import NIOEmbedded
import NIOTLS
import Testing

@testable import RollcallAgent

struct HandshakeWatchTests {
  private func connection() throws -> EmbeddedChannel {
    let channel = EmbeddedChannel(handler: HandshakeWatch(logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }))
    try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    return channel
  }

  @Test func `a connection whose handshake does not end is closed`() throws {
    let channel = try connection()
    channel.embeddedEventLoop.advanceTime(by: HandshakeWatch.limit - .nanoseconds(1))
    #expect(channel.isActive)
    channel.embeddedEventLoop.advanceTime(by: .nanoseconds(1))
    #expect(!channel.isActive)
  }

  @Test func `one whose handshake has ended stays`() throws {
    let channel = try connection()
    channel.pipeline.fireUserInboundEventTriggered(TLSUserEvent.handshakeCompleted(negotiatedProtocol: nil))
    channel.embeddedEventLoop.advanceTime(by: HandshakeWatch.limit * 2)
    #expect(channel.isActive)
    _ = try channel.finish()
  }
}
