internal import NIOCore
internal import NIOHPACK
internal import NIOHTTP2
internal import Primitives
internal import ProcFS

/// The response of a unary call: its message, or a status other than OK.
enum GRPCResponse: Sendable {
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
  /// Makes a unary call over a new connection. Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
  func call(_ method: String, _ message: [UInt8]) throws(ProcFSError) -> GRPCResponse {
    try exchange(over: { channel in
      _ = try channel.pipeline.syncOperations.configureHTTP2Pipeline(
        mode: .client, connectionConfiguration: .init(), streamConfiguration: .init()
      ) { stream in
        // gRPC servers open no streams.
        stream.close()
      }
    }) { channel, response in
      multiplexer(of: channel).flatMap { multiplexer in
        multiplexer.createStreamChannel { stream in
          stream.eventLoop.makeCompletedFuture { try stream.pipeline.syncOperations.addHandler(GRPCReceiver(response)) }
        }
      }.flatMap { stream in
        let headers: HPACKHeaders = [
          ":method": "POST", ":scheme": "http", ":path": method, ":authority": "localhost", "content-type": "application/grpc",
          "te": "trailers", "user-agent": ProductVersion.userAgent,
        ]
        // A message is prefixed by a byte, 0 for uncompressed, and its length.
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

/// Must be called on the channel's event loop.
private func multiplexer(of channel: any Channel) -> EventLoopFuture<NIOHTTP2Handler.StreamMultiplexer> {
  do {
    return try channel.pipeline.syncOperations.handler(type: NIOHTTP2Handler.self).multiplexer
  } catch {
    return channel.eventLoop.makeFailedFuture(error)
  }
}

/// Receives the response on the call's stream.
private final class GRPCReceiver: ChannelInboundHandler {
  typealias InboundIn = HTTP2Frame.FramePayload

  private let response: EventLoopPromise<GRPCResponse>
  private var body = ByteBuffer()

  init(_ response: EventLoopPromise<GRPCResponse>) {
    self.response = response
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
      if body.readableBytes > RuntimeSocket.maximumResponseBytes { finish(.unknown, "the response is too large") }
    default: break
    }
  }

  private func finish(_ code: GRPCCode, _ text: String) {
    guard code == .ok else { return response.succeed(.failure(code, text)) }
    guard body.readInteger(as: UInt8.self) == 0, let count = body.readInteger(as: UInt32.self), Int(count) == body.readableBytes else {
      return response.succeed(.failure(.unknown, "the response is not one uncompressed message"))
    }
    response.succeed(.message(Array(body.readableBytesView)))
  }

  func channelInactive(context: ChannelHandlerContext) {
    response.succeed(.failure(.unknown, "the stream was closed before the end of the response"))
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    response.fail(error)
    context.close(promise: nil)
  }
}
