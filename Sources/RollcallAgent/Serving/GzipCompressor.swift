import CZlib
import NIOCore

/// A page as one member of gzip.
struct CompressedPage: Sendable {
  var bytes: ByteBuffer
  /// How long it is as text.
  var textBytes: Int
}

/// Compresses a page piece by piece, so that the whole of it is never in memory as text.
///
/// The lowest level: text of metrics becomes a tenth of its size at any, and the higher ones take twice the time and more.
/// Source: RFC 1952, and zlib's manual.
struct GzipCompressor: ~Copyable {
  private static let level: CInt = 1
  /// zlib's window of 32 KiB, and 16 for the headers of gzip instead of its own.
  private static let windowBits: CInt = 15 + 16
  private static let memoryLevel: CInt = 8
  private static let pieceBytes = 32 * 1024

  // zlib refuses a stream that has moved in memory.
  private let stream: UnsafeMutablePointer<z_stream>
  private var output = CompressedPage(bytes: ByteBuffer(), textBytes: 0)

  /// `nil` where there is no memory for it.
  init?() {
    let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    stream.initialize(to: z_stream())
    let code = deflateInit2_(
      stream, Self.level, Z_DEFLATED, Self.windowBits, Self.memoryLevel, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
      CInt(MemoryLayout<z_stream>.size))
    guard code == Z_OK else {
      stream.deallocate()
      return nil
    }
    self.stream = stream
  }

  deinit {
    deflateEnd(stream)
    stream.deallocate()
  }

  mutating func append(_ bytes: [UInt8]) {
    output.textBytes += bytes.count
    run(bytes, flush: Z_NO_FLUSH)
  }

  /// The end of the member, and all that was compressed.
  consuming func finish() -> CompressedPage {
    run([], flush: Z_FINISH)
    return output
  }

  private mutating func run(_ bytes: [UInt8], flush: CInt) {
    bytes.withUnsafeBufferPointer { input in
      // zlib does not write to its input, though its interface does not say so.
      stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
      stream.pointee.avail_in = UInt32(input.count)
      var isFull = true
      // It is done with the input when it leaves room in the output.
      while isFull {
        isFull =
          output.bytes.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.pieceBytes) { room in
            stream.pointee.next_out = room.baseAddress?.assumingMemoryBound(to: UInt8.self)
            stream.pointee.avail_out = UInt32(room.count)
            deflate(stream, flush)
            return room.count - Int(stream.pointee.avail_out)
          } > 0 && stream.pointee.avail_out == 0
      }
    }
  }
}
