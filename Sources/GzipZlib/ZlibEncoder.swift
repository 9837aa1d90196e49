internal import CZlib

// gzip by zlib, for the agent and for small data; the controller's responses are compressed by ISA-L, in module Gzip, which is nine times
// as fast. The agent is a static executable that must stay small: zlib adds 0.1 MB to it, and Debian has no static ISA-L.

/// Compresses a stream of bytes as one gzip member (RFC 1952), chunk by chunk in bounded memory.
package struct ZlibEncoder: ~Copyable {
  package enum Level: Sendable {
    /// Level 1. Metrics text shrinks to a tenth at any level, and higher levels take at least twice the time.
    case fastest
    /// zlib's default, level 6.
    case balanced

    var number: CInt {
      switch self {
      case .fastest: Z_BEST_SPEED
      case .balanced: Z_DEFAULT_COMPRESSION
      }
    }
  }

  // zlib refuses a stream that has moved in memory.
  private let stream: UnsafeMutablePointer<z_stream>

  /// `nil` if memory for it (about 270 KB) cannot be allocated.
  package init?(level: Level) {
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    let memoryLevel: CInt = 8
    let code = deflateInit2_(
      stream, level.number, Z_DEFLATED, windowBits, memoryLevel, Z_DEFAULT_STRATEGY, ZLIB_VERSION, CInt(MemoryLayout<z_stream>.size))
    guard code == Z_OK else {
      stream.deallocate()
      return nil
    }
  }

  deinit {
    deflateEnd(stream)
    stream.deallocate()
  }

  /// Compresses a chunk.
  /// - Parameters:
  ///   - isLast: ends the stream; nothing may follow.
  ///   - provideOutput: gets memory for output and passes it to its argument, which returns the number of bytes written there. Called until
  ///     all output is taken.
  package mutating func encode(
    _ chunk: UnsafeRawBufferPointer, isLast: Bool, provideOutput: (_ write: (UnsafeMutableRawBufferPointer) -> Int) -> Void
  ) {
    // zlib does not write to its input, though its interface does not say so.
    stream.pointee.next_in = UnsafeMutableRawPointer(mutating: chunk.baseAddress)?.assumingMemoryBound(to: UInt8.self)
    stream.pointee.avail_in = UInt32(chunk.count)
    let stream = stream
    var isFull = true
    // zlib has used all input when it leaves some of the output free.
    while isFull {
      isFull = false
      provideOutput { output in
        let written = run(stream, output) { deflate($0, isLast ? Z_FINISH : Z_NO_FLUSH) }.written
        isFull = written > 0 && written == output.count
        return written
      }
    }
  }
}

/// Expands one gzip member, piece by piece in bounded memory. A class, since zlib's state cannot be copied; not for two threads at once.
package final class ZlibDecoder {
  package enum Status: Sendable {
    case unfinished
    case finished
    /// The input is not gzip, or memory allocation failed.
    case failed
  }

  // zlib refuses a stream that has moved in memory.
  private let stream: UnsafeMutablePointer<z_stream>
  package private(set) var status: Status

  package init() {
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    status = inflateInit2_(stream, windowBits, ZLIB_VERSION, CInt(MemoryLayout<z_stream>.size)) == Z_OK ? .unfinished : .failed
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
  }

  /// Expands some of the input into the output.
  /// - Returns: how many bytes were read and written.
  package func decode(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> (read: Int, written: Int) {
    guard status == .unfinished else { return (0, 0) }
    // As above.
    stream.pointee.next_in = UnsafeMutableRawPointer(mutating: input.baseAddress)?.assumingMemoryBound(to: UInt8.self)
    stream.pointee.avail_in = UInt32(input.count)
    let (code, written) = run(stream, output) { inflate($0, Z_NO_FLUSH) }
    switch code {
    case Z_OK, Z_BUF_ERROR: break
    case Z_STREAM_END: status = .finished
    default: status = .failed
    }
    return (input.count - Int(stream.pointee.avail_in), written)
  }
}

/// zlib's window of 32 KiB, and 16 for gzip's header and trailer instead of zlib's own. Source: zlib's manual, `deflateInit2`.
private let windowBits: CInt = 15 + 16

private func run(
  _ stream: UnsafeMutablePointer<z_stream>, _ output: UnsafeMutableRawBufferPointer, _ call: (UnsafeMutablePointer<z_stream>) -> CInt
) -> (code: CInt, written: Int) {
  stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
  stream.pointee.avail_out = UInt32(output.count)
  let code = call(stream)
  return (code, output.count - Int(stream.pointee.avail_out))
}
