internal import CZlib

/// Compresses and expands one gzip member (RFC 1952) in memory, for archives of a few hundred kilobytes.
enum ArchiveCompression {
  /// A window of 32 KiB; adding 16 selects the gzip format (`deflateInit2` in zlib.h).
  private static let windowBits: CInt = 15 + 16
  private static let memoryLevel: CInt = 8

  /// `nil` if memory cannot be allocated.
  static func compressed(_ bytes: [UInt8]) -> [UInt8]? {
    var stream = z_stream()
    let version = ZLIB_VERSION
    guard
      deflateInit2_(
        &stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, windowBits, memoryLevel, Z_DEFAULT_STRATEGY, version,
        CInt(MemoryLayout<z_stream>.size)) == Z_OK
    else { return nil }
    defer { deflateEnd(&stream) }
    // Sized for the worst case, so that one call suffices.
    var output = [UInt8](repeating: 0, count: Int(deflateBound(&stream, UInt(bytes.count))))
    let code = run(&stream, bytes, &output) { deflate($0, Z_FINISH) }
    guard code == Z_STREAM_END else { return nil }
    output.removeLast(Int(stream.avail_out))
    return output
  }

  /// `nil` if the input is not one complete gzip member or expands to more than the limit.
  static func expanded(_ bytes: [UInt8], atMost limit: Int) -> [UInt8]? {
    var stream = z_stream()
    guard inflateInit2_(&stream, windowBits, ZLIB_VERSION, CInt(MemoryLayout<z_stream>.size)) == Z_OK else { return nil }
    defer { inflateEnd(&stream) }
    // An archive usually compresses to no less than a tenth; otherwise expansion is retried with a larger buffer.
    var capacity = min(max(bytes.count * 12, 4096), limit)
    while true {
      var output = [UInt8](repeating: 0, count: capacity)
      let code = run(&stream, bytes, &output) { inflate($0, Z_FINISH) }
      if code == Z_STREAM_END {
        output.removeLast(Int(stream.avail_out))
        return output
      }
      guard code == Z_BUF_ERROR, stream.avail_out == 0, capacity < limit, inflateReset(&stream) == Z_OK else { return nil }
      capacity = min(capacity * 4, limit)
    }
  }

  /// Makes one call with the whole input and output.
  private static func run(
    _ stream: inout z_stream, _ input: [UInt8], _ output: inout [UInt8], _ call: (UnsafeMutablePointer<z_stream>) -> CInt
  ) -> CInt {
    input.withUnsafeBufferPointer { input in
      output.withUnsafeMutableBufferPointer { output in
        // zlib does not write to its input, although next_in is not const.
        stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
        stream.avail_in = UInt32(input.count)
        stream.next_out = output.baseAddress
        stream.avail_out = UInt32(output.count)
        return call(&stream)
      }
    }
  }
}
