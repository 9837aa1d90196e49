internal import CISAL
internal import Glibc

/// Decompresses a stream of gzip members (RFC 1952), chunk by chunk in bounded memory, by ISA-L, which takes half of zlib's time.
package final class GzipDecoder {
  /// The bytes are not gzip: a wrong header, block or checksum, or something after the last member.
  package struct Malformed: Error {}

  private let state: OpaquePointer
  private var isInMember = false

  /// `nil` if memory for it (about 90 KB) cannot be allocated.
  package init?() {
    guard let state = rollcall_gunzip_make() else { return nil }
    self.state = state
  }

  deinit { free(UnsafeMutableRawPointer(state)) }

  /// Whether everything so far is whole members. True before the first byte.
  package var isBetweenMembers: Bool { !isInMember }

  /// Forgets everything so far.
  package func reset() { isInMember = false }

  /// Decompresses bytes from the front of `input`, which it removes.
  /// - Returns: the number of bytes written to `output`. If it is not full, the whole input was used.
  package func decode(_ input: inout UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) throws(Malformed) -> Int {
    var written = 0
    while written < output.count {
      if !isInMember {
        if input.isEmpty { break }
        rollcall_gunzip_reset(state)
        isInMember = true
      }
      let most = Int(UInt32.max)
      let (given, free) = (min(input.count, most), min(output.count - written, most))
      var (left, room) = (UInt32(given), UInt32(free))
      var isEnd: Int32 = 0
      let code = rollcall_gunzip_take(
        state, input.baseAddress?.assumingMemoryBound(to: UInt8.self), &left,
        output.baseAddress?.advanced(by: written).assumingMemoryBound(to: UInt8.self), &room, &isEnd)
      guard code >= 0, code != ISAL_NEED_DICT else { throw Malformed() }
      let (taken, made) = (given - Int(left), free - Int(room))
      input = UnsafeRawBufferPointer(rebasing: input[taken...])
      written += made
      if isEnd != 0 {
        isInMember = false
      } else if taken == 0, made == 0 {
        guard input.isEmpty else { throw Malformed() }
        break
      }
    }
    return written
  }
}
