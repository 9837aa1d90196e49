internal import Exposition
internal import Gzip
internal import HTTPTypes
internal import Hummingbird
internal import JSON
internal import NIOCore

/// A response, independent of the server's types.
struct ServerResponse: Sendable {
  enum Body: Sendable {
    case whole([UInt8])
    /// Streamed, since it may be large. `length` is the Content-Length, if known.
    case chunks(length: Int? = nil, @Sendable (_ write: (_ chunk: [UInt8]) async throws -> Void) async throws -> Void)
  }

  var status: HTTPResponse.Status
  var contentType: String
  var headers: HTTPFields = [:]
  var body: Body
  /// Whether to compress the body. Relayed bodies are sent as received.
  var isCompressible = false
  /// When to close the connection if the client has not read the whole response; `nil` for the limit of every response.
  var deadline: ContinuousClock.Instant?

  static func text(_ status: HTTPResponse.Status, _ text: String) -> ServerResponse {
    ServerResponse(status: status, contentType: "text/plain; charset=utf-8", body: .whole(Array(text.utf8)))
  }

  static func json(_ value: JSONValue, status: HTTPResponse.Status = .ok) -> ServerResponse {
    ServerResponse(status: status, contentType: "application/json", body: .whole(value.bytes + [UInt8(ascii: "\n")]))
  }

  static func problem(_ status: HTTPResponse.Status, _ message: String) -> ServerResponse {
    .json(["error": .string(message)], status: status)
  }

  static func jsonChunks(_ write: @escaping @Sendable (_ write: ([UInt8]) async throws -> Void) async throws -> Void) -> ServerResponse {
    ServerResponse(status: .ok, contentType: "application/json", body: .chunks(write), isCompressible: true)
  }

  static func metrics(_ write: @escaping @Sendable (_ write: ([UInt8]) async throws -> Void) async throws -> Void) -> ServerResponse {
    ServerResponse(status: .ok, contentType: ExpositionFormat.text.contentType, body: .chunks(write), isCompressible: true)
  }

  /// - Parameters:
  ///   - connection: the client's connection.
  ///   - limit: how long the client may take to read a streamed body.
  ///   - withoutBody: whether the request is HEAD.
  func response(on connection: any Channel, within limit: Duration, withoutBody: Bool) -> Response {
    var fields = headers
    fields[.contentType] = contentType
    fields[.cacheControl] = "no-store"
    fields[.xContentTypeOptions] = "nosniff"
    if withoutBody { return Response(status: status, headers: fields) }
    switch body {
    case .whole(let bytes):
      return Response(status: status, headers: fields, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    case .chunks(let length, let produce):
      let end = min(deadline ?? .now + limit, .now + limit)
      return Response(
        status: status, headers: fields,
        body: ResponseBody(contentLength: length) { writer in
          // A write to a client that does not read fails only when the connection is closed.
          let rest = TimeAmount(ContinuousClock.now.duration(to: end))
          let cut = connection.eventLoop.scheduleTask(in: rest) { connection.close(promise: nil) }
          defer { cut.cancel() }
          try await produce { chunk in try await writer.write(ByteBuffer(bytes: chunk)) }
          try await writer.finish(nil)
        })
    }
  }
}

extension ServerResponse {
  /// The response, gzipped while it is sent if the client accepts that. Metrics shrink to a tenth or less.
  func compressed(for request: Request) -> ServerResponse {
    guard isCompressible, case .chunks(_, let produce) = body else { return self }
    var response = self
    response.headers[.vary] = "Accept-Encoding"
    guard acceptsGzip(request.headers[values: .acceptEncoding]) else { return response }
    response.headers[.contentEncoding] = "gzip"
    response.body = .chunks { write in
      guard var encoder = GzipEncoder() else { throw CompressionError.noMemory }
      var packed: [UInt8] = []
      try await produce { chunk in
        chunk.withUnsafeBytes { encoder.encode($0, isLast: false, into: &packed) }
        // Send chunks of at least 16 KiB.
        guard packed.count >= 16 << 10 else { return }
        try await write(packed)
        packed.removeAll(keepingCapacity: true)
      }
      encoder.encode(UnsafeRawBufferPointer(start: nil, count: 0), isLast: true, into: &packed)
      try await write(packed)
    }
    return response
  }
}

enum CompressionError: Error {
  case noMemory
}
