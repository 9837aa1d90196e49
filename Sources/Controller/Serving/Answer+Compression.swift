internal import Gzip
internal import HTTPTypes
internal import Hummingbird

extension Answer {
  /// The same, compressed while it is sent where whoever asks takes gzip: a page of metrics shrinks to a tenth or less.
  func compressed(for request: Request) -> Answer {
    guard isCompressible, case .pieces(_, let produce) = body else { return self }
    var answer = self
    answer.headers[.vary] = "Accept-Encoding"
    guard request.acceptsGzip else { return answer }
    answer.headers[.contentEncoding] = "gzip"
    answer.body = .pieces { write in
      guard let encoder = GzipEncoder() else { throw CompressionError.noMemory }
      var stream = GzipStream(encoder: encoder)
      try await produce { piece in
        if let packed = stream.add(piece) { try await write(packed) }
      }
      try await write(stream.end())
    }
    return answer
  }
}

enum CompressionError: Error {
  case noMemory
}

/// Gathers what the encoder gives out.
private struct GzipStream: ~Copyable {
  private var encoder: GzipEncoder
  private var packed: [UInt8] = []

  init(encoder: consuming GzipEncoder) {
    self.encoder = encoder
  }

  /// What there is to send; `nil` while it is too little to bother.
  mutating func add(_ piece: [UInt8]) -> [UInt8]? {
    piece.withUnsafeBytes { encoder.encode($0, isLast: false, into: &packed) }
    return packed.count < 16 << 10 ? nil : take()
  }

  mutating func end() -> [UInt8] {
    encoder.encode(UnsafeRawBufferPointer(start: nil, count: 0), isLast: true, into: &packed)
    return take()
  }

  private mutating func take() -> [UInt8] {
    defer { packed = [] }
    return packed
  }
}

extension Request {
  fileprivate var acceptsGzip: Bool { Controller.acceptsGzip(headers[values: .acceptEncoding].joined(separator: ",")) }
}
