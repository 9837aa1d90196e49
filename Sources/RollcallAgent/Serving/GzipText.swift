import CZlib
import NIOCore

/// The text of a compressed page, piece by piece, for a client that does not take gzip. One client's: it is not for two threads at once.
final class GzipText {
  /// The headers of gzip, and the window that they ask for. Source: zlib's manual, `inflateInit2`.
  private static let windowBits: CInt = 16 + 15
  private static let pieceBytes = 64 * 1024

  private var page: ByteBuffer
  // zlib refuses a stream that has moved in memory.
  private let stream: UnsafeMutablePointer<z_stream>
  private var code: CInt

  init(_ page: CompressedPage) {
    self.page = page.bytes
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    code = inflateInit2_(stream, Self.windowBits, ZLIB_VERSION, CInt(MemoryLayout<z_stream>.size))
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
  }

  /// `nil` at the end of the page, and where there is no memory to go on: then the text is shorter than it was announced to be.
  func next() -> ByteBuffer? {
    guard code == Z_OK else { return nil }
    var piece = ByteBuffer()
    piece.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.pieceBytes) { room in
      page.readWithUnsafeReadableBytes { input in
        // zlib does not write to its input, though its interface does not say so.
        stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
        stream.pointee.avail_in = UInt32(input.count)
        stream.pointee.next_out = room.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_out = UInt32(room.count)
        code = inflate(stream, Z_NO_FLUSH)
        return input.count - Int(stream.pointee.avail_in)
      }
      return room.count - Int(stream.pointee.avail_out)
    }
    return piece.readableBytes > 0 ? piece : nil
  }
}
