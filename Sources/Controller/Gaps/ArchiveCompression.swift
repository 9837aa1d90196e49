internal import CZlib

/// A text as one gzip member (RFC 1952), whole: `gunzip` reads it. For the few hundred kilobytes of an archive.
enum ArchiveCompression {
  /// zlib's window of 32 KiB, and 16 for the headers of gzip instead of its own.
  private static let windowBits: CInt = 15 + 16
  private static let memoryLevel: CInt = 8

  /// `nil` where there is no memory for it.
  static func compressed(_ bytes: [UInt8]) -> [UInt8]? {
    var stream = z_stream()
    let version = ZLIB_VERSION
    guard
      deflateInit2_(
        &stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, windowBits, memoryLevel, Z_DEFAULT_STRATEGY, version,
        CInt(MemoryLayout<z_stream>.size)) == Z_OK
    else { return nil }
    defer { deflateEnd(&stream) }
    // Room for the worst case, so that one call does it.
    var output = [UInt8](repeating: 0, count: Int(deflateBound(&stream, UInt(bytes.count))))
    let code = run(&stream, bytes, &output) { deflate($0, Z_FINISH) }
    guard code == Z_STREAM_END else { return nil }
    output.removeLast(Int(stream.avail_out))
    return output
  }

  /// `nil` for what is no whole gzip member, or becomes larger than the limit.
  static func expanded(_ bytes: [UInt8], atMost limit: Int) -> [UInt8]? {
    var stream = z_stream()
    guard inflateInit2_(&stream, windowBits, ZLIB_VERSION, CInt(MemoryLayout<z_stream>.size)) == Z_OK else { return nil }
    defer { inflateEnd(&stream) }
    // Text of this kind shrinks to a tenth at most; what shrank more is tried again with more room.
    var room = min(max(bytes.count * 12, 4096), limit)
    while true {
      var output = [UInt8](repeating: 0, count: room)
      let code = run(&stream, bytes, &output) { inflate($0, Z_FINISH) }
      if code == Z_STREAM_END {
        output.removeLast(Int(stream.avail_out))
        return output
      }
      guard code == Z_BUF_ERROR, stream.avail_out == 0, room < limit, inflateReset(&stream) == Z_OK else { return nil }
      room = min(room * 4, limit)
    }
  }

  /// One call with all of the input and all of the room.
  private static func run(
    _ stream: inout z_stream, _ input: [UInt8], _ output: inout [UInt8], _ call: (UnsafeMutablePointer<z_stream>) -> CInt
  ) -> CInt {
    input.withUnsafeBufferPointer { input in
      output.withUnsafeMutableBufferPointer { output in
        // zlib does not write to its input, though its interface does not say so.
        stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
        stream.avail_in = UInt32(input.count)
        stream.next_out = output.baseAddress
        stream.avail_out = UInt32(output.count)
        return call(&stream)
      }
    }
  }
}
