import Logging
import NIOCore
import NIOEmbedded
import NIOTLS
import TLSServing
import Testing

struct HandshakeMonitorTests {
  private func connection() throws -> EmbeddedChannel {
    let channel = EmbeddedChannel(
      handler: HandshakeMonitor(report: HandshakeReport(logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })))
    try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    return channel
  }

  @Test func `a connection is closed if its handshake takes too long`() throws {
    let channel = try connection()
    channel.embeddedEventLoop.advanceTime(by: HandshakeMonitor.limit - .nanoseconds(1))
    #expect(channel.isActive)
    channel.embeddedEventLoop.advanceTime(by: .nanoseconds(1))
    #expect(!channel.isActive)
  }

  @Test func `a connection stays open after its handshake`() throws {
    let channel = try connection()
    channel.pipeline.fireUserInboundEventTriggered(TLSUserEvent.handshakeCompleted(negotiatedProtocol: nil))
    channel.embeddedEventLoop.advanceTime(by: HandshakeMonitor.limit * 2)
    #expect(channel.isActive)
    _ = try channel.finish()
  }
}
