internal import NIOCore
internal import NIOHPACK
internal import NIOHTTP2
internal import ProcFS

/// What a call came to: its one message, or the status that the server ended it with.
enum GRPCAnswer: Sendable {
  case message([UInt8])
  case failure(GRPCCode, String)
}

/// Source: https://grpc.github.io/grpc/core/md_doc_statuscodes.html
struct GRPCCode: RawRepresentable, Hashable, Sendable {
  var rawValue: Int

  static let ok = GRPCCode(rawValue: 0)
  static let unknown = GRPCCode(rawValue: 2)
  static let notFound = GRPCCode(rawValue: 5)
  static let unimplemented = GRPCCode(rawValue: 12)
}

extension RuntimeSocket {
  /// One unary call over a connection of its own. Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
  func call(_ method: String, _ message: [UInt8]) throws(ProcFSError) -> GRPCAnswer {
    try exchange(over: { channel in
      _ = try channel.pipeline.syncOperations.configureHTTP2Pipeline(
        mode: .client, connectionConfiguration: .init(), streamConfiguration: .init()
      ) { stream in
        // The server opens none.
        stream.close()
      }
    }) { channel, answer in
      multiplexer(of: channel).flatMap { multiplexer in
        multiplexer.createStreamChannel { stream in
          stream.eventLoop.makeCompletedFuture { try stream.pipeline.syncOperations.addHandler(GRPCReceiver(answer)) }
        }
      }.flatMap { stream in
        let headers: HPACKHeaders = [
          ":method": "POST", ":scheme": "http", ":path": method, ":authority": "localhost", "content-type": "application/grpc",
          "te": "trailers",
        ]
        // A message follows a byte that says that it is not compressed, and its length.
        var body = ByteBuffer()
        body.writeInteger(UInt8(0))
        body.writeInteger(UInt32(message.count))
        body.writeBytes(message)
        stream.write(HTTP2Frame.FramePayload.headers(.init(headers: headers)), promise: nil)
        return stream.writeAndFlush(HTTP2Frame.FramePayload.data(.init(data: .byteBuffer(body), endStream: true)))
      }
    }
  }
}

/// To be called on the channel's event loop.
private func multiplexer(of channel: any Channel) -> EventLoopFuture<NIOHTTP2Handler.StreamMultiplexer> {
  do {
    return try channel.pipeline.syncOperations.handler(type: NIOHTTP2Handler.self).multiplexer
  } catch {
    return channel.eventLoop.makeFailedFuture(error)
  }
}

/// Collects what comes on the call's stream.
private final class GRPCReceiver: ChannelInboundHandler {
  typealias InboundIn = HTTP2Frame.FramePayload

  private let answer: EventLoopPromise<GRPCAnswer>
  private var body = ByteBuffer()

  init(_ answer: EventLoopPromise<GRPCAnswer>) {
    self.answer = answer
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .headers(let frame):
      let code = frame.headers.first(name: "grpc-status").flatMap { Int($0) }.map(GRPCCode.init(rawValue:))
      if let code {
        finish(code, frame.headers.first(name: "grpc-message") ?? "")
      } else if let status = frame.headers.first(name: ":status"), status != "200" {
        finish(.unknown, "HTTP status \(status)")
      } else if frame.endStream {
        finish(.unknown, "the call ended without a status")
      }
    case .data(let frame):
      guard case .byteBuffer(var bytes) = frame.data else { return }
      body.writeBuffer(&bytes)
      if body.readableBytes > RuntimeSocket.maximumAnswerBytes { finish(.unknown, "the answer is too large") }
    default: break
    }
  }

  private func finish(_ code: GRPCCode, _ text: String) {
    guard code == .ok else { return answer.succeed(.failure(code, text)) }
    guard body.readInteger(as: UInt8.self) == 0, let count = body.readInteger(as: UInt32.self), Int(count) == body.readableBytes else {
      return answer.succeed(.failure(.unknown, "the answer is not one message without compression"))
    }
    answer.succeed(.message(Array(body.readableBytesView)))
  }

  func channelInactive(context: ChannelHandlerContext) {
    answer.succeed(.failure(.unknown, "the call was cut off"))
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    answer.fail(error)
    context.close(promise: nil)
  }
}
