internal import CISAL
internal import Glibc

// gzip by ISA-L, for the controller's responses. Module GzipZlib has gzip by zlib, for the agent and for small data; its top comment says
// why both.

/// Compresses a stream of bytes as one gzip member (RFC 1952), chunk by chunk in bounded memory.
///
/// Uses ISA-L's level 1, which compresses about 1.5 GB of metrics text per second and core: nine times as fast as zlib's level 1, at a
/// better ratio.
package struct GzipEncoder: ~Copyable {
  private let state: OpaquePointer

  /// `nil` if memory for it (about 360 KB) cannot be allocated.
  package init?() {
    guard let state = rollcall_gzip_make() else { return nil }
    self.state = state
  }

  deinit { free(UnsafeMutableRawPointer(state)) }

  /// Compresses a chunk and appends the output, which may be empty until later chunks.
  /// - Parameter isLast: ends the stream; nothing may follow.
  package mutating func encode(_ chunk: UnsafeRawBufferPointer, isLast: Bool, into output: inout [UInt8]) {
    precondition(chunk.count <= 1 << 30, "a chunk is at most 1 GiB")
    rollcall_gzip_feed(state, chunk.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt32(chunk.count), isLast ? 1 : 0)
    let step = 64 << 10
    var written: UInt32
    repeat {
      written = 0
      let start = output.count
      output.append(contentsOf: repeatElement(0, count: step))
      let code = output.withUnsafeMutableBytes { bytes in
        rollcall_gzip_take(
          state, bytes.baseAddress?.advanced(by: start).assumingMemoryBound(to: UInt8.self), UInt32(step), &written)
      }
      // Other codes mean a misuse of the state, which only this type uses.
      precondition(code == COMP_OK, "ISA-L: \(code)")
      output.removeLast(step - Int(written))
    } while written == step
  }
}
