package import Logging
package import NIOCore
internal import NIOSSL
internal import NIOTLS
internal import Synchronization

/// Logs the failed handshakes of one server: why they failed is unknown to the client. A client that retries every few seconds is logged
/// once for each cause, and once when it succeeds again.
package final class HandshakeReport: Sendable {
  /// Scanners must not fill memory. After this many clients, those logged before are forgotten.
  private static let maximumClients = 100

  private let logger: Logger
  private let advice: @Sendable (TLSFailure) -> String?
  /// By the clients' addresses.
  private let logged = Mutex<[String: Set<TLSFailure>]>([:])

  /// - Parameter advice: what the operator can do about a failure; `nil` if there is nothing particular to do.
  package init(logger: Logger, advice: @escaping @Sendable (TLSFailure) -> String? = { _ in nil }) {
    self.logger = logger
    self.advice = advice
  }

  func failed(_ failure: TLSFailure, client: String) {
    let isNew = logged.withLock { logged in
      if logged[client] == nil, logged.count >= Self.maximumClients { logged = [:] }
      return logged[client, default: []].insert(failure).inserted
    }
    guard isNew else { return }
    var metadata: Logger.Metadata = ["client": "\(client)", "error": "\(failure)"]
    if let advice = advice(failure) { metadata["advice"] = "\(advice)" }
    logger.warning("TLS handshake failed", metadata: metadata)
  }

  func succeeded(client: String) {
    let hadFailed = logged.withLock { $0.removeValue(forKey: client) } != nil
    if hadFailed { logger.notice("TLS handshake succeeded again", metadata: ["client": "\(client)"]) }
  }
}

/// Monitors the handshake of one connection, and closes the connection if it takes too long, since an unknown client must not hold one of
/// few connections.
package final class HandshakeMonitor: ChannelInboundHandler {
  package typealias InboundIn = ByteBuffer

  /// Enough for a few round trips to a busy node.
  package static let limit: TimeAmount = .seconds(10)

  private let report: HandshakeReport
  /// The client's address, noted while the connection is open: a broken one has none.
  private var client = "unknown"
  private var timeout: Scheduled<Void>?

  package init(report: HandshakeReport) {
    self.report = report
  }

  package func handlerAdded(context: ChannelHandlerContext) {
    let channel = context.channel
    if channel.isActive { client = Self.client(of: channel) }
    timeout = context.eventLoop.scheduleTask(in: Self.limit) { [report] in
      report.failed(.tooSlow, client: Self.client(of: channel))
      channel.close(promise: nil)
    }
  }

  package func channelActive(context: ChannelHandlerContext) {
    client = Self.client(of: context.channel)
    context.fireChannelActive()
  }

  package func handlerRemoved(context: ChannelHandlerContext) {
    timeout?.cancel()
  }

  package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .handshakeCompleted? = event as? TLSUserEvent {
      timeout?.cancel()
      report.succeeded(client: client)
    }
    context.fireUserInboundEventTriggered(event)
  }

  package func errorCaught(context: ChannelHandlerContext, error: any Error) {
    if let refusal = error as? NIOSSLError, case .handshakeFailed(let cause) = refusal {
      report.failed(TLSFailure(cause), client: client)
    }
    context.fireErrorCaught(error)
  }

  /// Without the port, which is another one for each connection.
  private static func client(of channel: any Channel) -> String {
    guard let address = channel.remoteAddress?.ipAddress else { return "unknown" }
    // On a socket for both families, IPv4 addresses are mapped.
    return address.hasPrefix("::ffff:") ? String(address.dropFirst("::ffff:".count)) : address
  }
}
