import GzipZlib
import NIOCore

/// An exposition as one gzip member. It is compressed while it is rendered, so that the text is never in memory as a whole.
struct CompressedExposition: Sendable {
  private static let chunkBytes = 32 * 1024

  private(set) var bytes = ByteBuffer()
  /// The length of the text.
  private(set) var textBytes = 0

  /// - Parameter render: passes the text to its argument in pieces.
  /// - Returns: `nil` if there is no memory for the compressor.
  init?(render: (_ append: ([UInt8]) -> Void) -> Void) {
    guard var encoder = ZlibEncoder(level: .fastest) else { return nil }
    render { text in
      textBytes += text.count
      text.withUnsafeBytes { encoder.encode($0, isLast: false, provideOutput: { appendChunk($0) }) }
    }
    encoder.encode(UnsafeRawBufferPointer(start: nil, count: 0), isLast: true, provideOutput: { appendChunk($0) })
  }

  private mutating func appendChunk(_ write: (UnsafeMutableRawBufferPointer) -> Int) {
    bytes.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.chunkBytes, write)
  }
}

/// The text of an exposition in pieces, for one client that does not accept gzip. Not thread-safe.
final class ExpositionText {
  private static let pieceBytes = 64 * 1024

  private var compressed: ByteBuffer
  private let decoder = ZlibDecoder()

  init(_ exposition: CompressedExposition) {
    compressed = exposition.bytes
  }

  /// `nil` at the end, or if there is no memory to continue: then the text is shorter than its announced length.
  func next() -> ByteBuffer? {
    var piece = ByteBuffer()
    piece.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.pieceBytes) { output in
      compressed.readWithUnsafeReadableBytes { decoder.decode($0, into: output) }
    }
    return piece.readableBytes > 0 ? piece : nil
  }
}
