internal import Exposition
internal import Gzip
internal import HTTPTypes
internal import Hummingbird
internal import JSON
internal import NIOCore

/// An answer of ours, before it becomes the server's.
struct ServerResponse: Sendable {
  enum Body: Sendable {
    case whole([UInt8])
    /// Written piece by piece, since it may be large. The length is for those that know it.
    case pieces(length: Int? = nil, @Sendable (_ write: (_ piece: [UInt8]) async throws -> Void) async throws -> Void)
  }

  var status: HTTPResponse.Status
  var contentType: String
  var headers: HTTPFields = [:]
  var body: Body
  /// Ours to compress. Pages of others go on as they came.
  var isCompressible = false
  /// When the client is to have taken all of it, if that is earlier than it is for every answer: then its connection is closed.
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

  static func jsonPieces(_ write: @escaping @Sendable (_ write: ([UInt8]) async throws -> Void) async throws -> Void) -> ServerResponse {
    ServerResponse(status: .ok, contentType: "application/json", body: .pieces(write), isCompressible: true)
  }

  static func metrics(_ write: @escaping @Sendable (_ write: ([UInt8]) async throws -> Void) async throws -> Void) -> ServerResponse {
    ServerResponse(status: .ok, contentType: ExpositionFormat.text.contentType, body: .pieces(write), isCompressible: true)
  }

  /// - Parameters:
  ///   - connection: where it goes.
  ///   - limit: how long the client may take for it.
  ///   - withoutBody: for HEAD.
  func response(on connection: any Channel, within limit: Duration, withoutBody: Bool) -> Response {
    var fields = headers
    fields[.contentType] = contentType
    fields[.cacheControl] = "no-store"
    fields[.xContentTypeOptions] = "nosniff"
    if withoutBody { return Response(status: status, headers: fields) }
    switch body {
    case .whole(let bytes):
      return Response(status: status, headers: fields, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    case .pieces(let length, let produce):
      let end = min(deadline ?? .now + limit, .now + limit)
      return Response(
        status: status, headers: fields,
        body: ResponseBody(contentLength: length) { writer in
          // A write to a client that does not read ends with its connection only.
          let rest = TimeAmount(ContinuousClock.now.duration(to: end))
          let cut = connection.eventLoop.scheduleTask(in: rest) { connection.close(promise: nil) }
          defer { cut.cancel() }
          try await produce { piece in try await writer.write(ByteBuffer(bytes: piece)) }
          try await writer.finish(nil)
        })
    }
  }
}

extension ServerResponse {
  /// The same, compressed while it is sent where whoever asks takes gzip: a page of metrics shrinks to a tenth or less.
  func compressed(for request: Request) -> ServerResponse {
    guard isCompressible, case .pieces(_, let produce) = body else { return self }
    var response = self
    response.headers[.vary] = "Accept-Encoding"
    guard acceptsGzip(request.headers[values: .acceptEncoding]) else { return response }
    response.headers[.contentEncoding] = "gzip"
    response.body = .pieces { write in
      guard var encoder = GzipEncoder() else { throw CompressionError.noMemory }
      var packed: [UInt8] = []
      try await produce { piece in
        piece.withUnsafeBytes { encoder.encode($0, isLast: false, into: &packed) }
        // Less is not worth a chunk of its own.
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
