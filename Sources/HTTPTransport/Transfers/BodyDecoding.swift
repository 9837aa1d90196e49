internal import Gzip

/// Decompresses the body of one transfer, in pieces that its reader may have to wait for. Used by the transport's thread only.
///
/// libcurl could do so as well, by zlib, which takes twice as long.
struct BodyDecoding {
  enum Failure: Error {
    case malformed, longHeader, noMemory
  }

  private let decoders: DecoderPool
  private var decoder: GzipDecoder?
  /// Bytes at the front of libcurl's next chunk that have been decompressed: a chunk that the reader had no room for is passed again.
  private var consumed = 0
  /// What of these bytes has not been delivered.
  private var pending: [UInt8] = []
  /// Bytes of the body, as they were sent, whose chunk was taken.
  private var taken = 0

  init(_ decoders: DecoderPool) { self.decoders = decoders }

  /// Whether the bytes so far are a whole body.
  var isWhole: Bool { decoder == nil }

  /// How many bytes a body may have as it is sent, if it may have `limit` decompressed. Gzip adds less to bytes that do not compress.
  /// A body with empty members or blocks can be endless and decompress to nothing.
  static func compressedLimit(for limit: Int) -> Int {
    let (sum, isEndless) = limit.addingReportingOverflow(limit / 64 + GzipDecoder.maximumHeaderBytes)
    return isEndless ? .max : sum
  }

  /// Whether the chunk makes the body, as it is sent, longer than `limit`.
  func exceeds(_ limit: Int, with chunk: UnsafeRawBufferPointer) -> Bool { chunk.count > limit - taken }

  /// Decompresses the chunk and delivers what it makes of it, until a delivery is not taken.
  mutating func receive(
    _ chunk: UnsafeRawBufferPointer, deliver: (UnsafeRawBufferPointer) -> Transfer.Reception
  ) throws(Failure) -> Transfer.Reception {
    let reception = try decode(chunk, deliver: deliver)
    if case .taken = reception { taken += chunk.count }
    return reception
  }

  private mutating func decode(
    _ chunk: UnsafeRawBufferPointer, deliver: (UnsafeRawBufferPointer) -> Transfer.Reception
  ) throws(Failure) -> Transfer.Reception {
    if !pending.isEmpty {
      let reception = pending.withUnsafeBytes(deliver)
      guard case .taken = reception else { return reception }
      pending = []
    }
    guard consumed <= chunk.count else {
      consumed -= chunk.count
      return .taken
    }
    var input = UnsafeRawBufferPointer(rebasing: chunk[consumed...])
    consumed = 0
    if decoder == nil, !input.isEmpty { decoder = decoders.take() }
    guard let decoder else {
      if input.isEmpty { return .taken }
      throw .noMemory
    }
    var count: Int
    repeat {
      do { count = try decoder.decode(&input, into: decoders.output) } catch { throw error.hasLongHeader ? .longHeader : .malformed }
      guard count > 0 else { break }
      let output = UnsafeRawBufferPointer(rebasing: decoders.output[..<count])
      switch deliver(output) {
      case .taken: break
      case .paused:
        pending = Array(output)
        consumed = chunk.count - input.count
        return .paused
      case .refused: return .refused
      }
    } while count == decoders.output.count
    if decoder.isBetweenMembers { end() }
    return .taken
  }

  /// Returns the decoder for other transfers.
  mutating func end() {
    if let decoder { decoders.put(back: decoder) }
    decoder = nil
  }
}

/// Decoders that transfers use in turn. Most bodies are decompressed in one call, so that one decoder serves many transfers.
final class DecoderPool {
  /// Idle decoders that are kept.
  private static let limit = 4

  private var free: [GzipDecoder] = []
  /// Where a decoder writes. A pod's page fits.
  let output = UnsafeMutableRawBufferPointer.allocate(byteCount: 96 << 10, alignment: 64)

  deinit { output.deallocate() }

  /// `nil` if there is no memory.
  func take() -> GzipDecoder? {
    free.popLast() ?? GzipDecoder()
  }

  func put(back decoder: GzipDecoder) {
    decoder.reset()
    if free.count < Self.limit { free.append(decoder) }
  }
}

/// How a body is encoded, by its Content-Encoding.
enum BodyEncoding: Hashable {
  case identity, gzip
  case unknown(String)

  init(_ head: HTTPResponseHead) {
    let codings = head.headers.filter { $0.name.lowercased() == "content-encoding" }
      .flatMap { $0.value.split(separator: ",") }.map { $0.filter { $0 != " " && $0 != "\t" }.lowercased() }
      .filter { !["", "identity", "none"].contains($0) }
    // RFC 9110 8.4.1.3: x-gzip is the same.
    self = codings.isEmpty ? .identity : codings == ["gzip"] || codings == ["x-gzip"] ? .gzip : .unknown(codings.joined(separator: ", "))
  }
}
