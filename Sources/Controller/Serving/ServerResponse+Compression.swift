internal import Exposition
internal import Gzip
internal import HTTPTypes
internal import Hummingbird

extension ServerResponse {
  /// The same, compressed while it is sent where whoever asks takes gzip: a page of metrics shrinks to a tenth or less.
  func compressed(for request: Request) -> ServerResponse {
    guard isCompressible, case .pieces(_, let produce) = body else { return self }
    var answer = self
    answer.headers[.vary] = "Accept-Encoding"
    guard acceptsGzip(request.headers[values: .acceptEncoding]) else { return answer }
    answer.headers[.contentEncoding] = "gzip"
    answer.body = .pieces { write in
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
    return answer
  }
}

enum CompressionError: Error {
  case noMemory
}
