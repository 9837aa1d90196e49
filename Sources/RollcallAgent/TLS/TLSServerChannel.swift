import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOSSL

/// HTTP over TLS, where each connection takes the credentials that are newest when it comes.
struct TLSServerChannel<Base: ServerChildChannel>: ServerChildChannel {
  let base: Base
  let credentials: TLSCredentials

  func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Base.Value> {
    guard case .loaded(let context) = credentials.state else {
      // Nobody else closes a connection whose set-up failed, and the client would wait for its own timeout.
      return channel.close().flatMapThrowing { throw NoCredentials() }
    }
    return channel.eventLoop.makeCompletedFuture {
      try channel.pipeline.syncOperations.addHandlers([
        NIOSSLServerHandler(context: context), HandshakeWatch(logger: logger),
      ])
    }.flatMap {
      base.setup(channel: channel, logger: logger)
    }
  }

  func handle(value: Base.Value, logger: Logger) async {
    await base.handle(value: value, logger: logger)
  }

  /// The connection is closed; the agent has said once that it waits for certificates.
  private struct NoCredentials: Error {}
}
