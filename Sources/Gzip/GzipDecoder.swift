internal import CISAL
internal import Glibc

/// Decompresses a stream of gzip members (RFC 1952), chunk by chunk in bounded memory, by ISA-L, which takes half of zlib's time.
package final class GzipDecoder {
  /// The bytes are not gzip: a wrong header, block or checksum, or something after the last member.
  package struct Malformed: Error {
    /// Whether it is the header of a member that has more than `maximumHeaderBytes`.
    package var hasLongHeader = false
  }

  /// A name or a comment in a member's header could be endless.
  package static let maximumHeaderBytes = 64 << 10

  private enum Part {
    case betweenMembers
    case header(GzipHeaderReader)
    case content
  }

  private let state: OpaquePointer
  private var part = Part.betweenMembers

  /// `nil` if memory for it (about 90 KB) cannot be allocated.
  package init?() {
    guard let state = rollcall_gunzip_make() else { return nil }
    self.state = state
  }

  deinit { free(UnsafeMutableRawPointer(state)) }

  /// Whether everything so far is whole members. True before the first byte.
  package var isBetweenMembers: Bool {
    if case .betweenMembers = part { true } else { false }
  }

  /// Forgets everything so far.
  package func reset() { part = .betweenMembers }

  /// Decompresses bytes from the front of `input`, which it removes.
  /// - Returns: the number of bytes written to `output`. If it is not full, the whole input was used.
  package func decode(_ input: inout UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) throws(Malformed) -> Int {
    var written = 0
    while written < output.count {
      guard try readHeader(from: &input) else { break }
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
        part = .betweenMembers
      } else if taken == 0, made == 0 {
        guard input.isEmpty else { throw Malformed() }
        break
      }
    }
    return written
  }

  /// Returns whether the content of a member is next. Otherwise the input is used up.
  private func readHeader(from input: inout UnsafeRawBufferPointer) throws(Malformed) -> Bool {
    if case .content = part { return true }
    if input.isEmpty { return false }
    var reader = GzipHeaderReader()
    if case .header(let begun) = part { reader = begun }
    for (index, byte) in input.enumerated() {
      if try reader.take(byte) {
        input = UnsafeRawBufferPointer(rebasing: input[(index + 1)...])
        rollcall_gunzip_reset(state)
        part = .content
        return true
      }
    }
    input = UnsafeRawBufferPointer(rebasing: input[input.count...])
    part = .header(reader)
    return false
  }
}

/// Reads the header of a gzip member byte by byte. What it says is of no use here.
///
/// Source: RFC 1952, section 2.3
private struct GzipHeaderReader {
  private enum Field {
    case fixed(index: Int)
    case extraLength(index: Int)
    case extra(left: Int)
    case name, comment
    case checksum(left: Int)
  }

  private static let (checksum, extra, name, comment): (UInt8, UInt8, UInt8, UInt8) = (2, 4, 8, 16)
  private var field = Field.fixed(index: 0)
  private var flags: UInt8 = 0
  private var extraCount = 0
  private var length = 0

  /// Returns whether the byte is the last one of the header.
  mutating func take(_ byte: UInt8) throws(GzipDecoder.Malformed) -> Bool {
    length += 1
    guard length <= GzipDecoder.maximumHeaderBytes else { throw GzipDecoder.Malformed(hasLongHeader: true) }
    switch field {
    case .fixed(let index):
      switch index {
      case 0 where byte != 0x1f, 1 where byte != 0x8b: throw GzipDecoder.Malformed()
      // The method: 8 is deflate, and there is no other.
      case 2 where byte != 8: throw GzipDecoder.Malformed()
      case 3:
        // Bits without a meaning must be 0.
        guard byte & 0xe0 == 0 else { throw GzipDecoder.Malformed() }
        flags = byte
      default: break
      }
      field = .fixed(index: index + 1)
      return index == 9 ? begin(after: 0) : false
    case .extraLength(let index):
      extraCount |= Int(byte) << (8 * index)
      field = index == 0 ? .extraLength(index: 1) : .extra(left: extraCount)
      return index == 1 && extraCount == 0 ? begin(after: Self.extra) : false
    case .extra(let left):
      field = .extra(left: left - 1)
      return left == 1 ? begin(after: Self.extra) : false
    case .name: return byte == 0 ? begin(after: Self.name) : false
    case .comment: return byte == 0 ? begin(after: Self.comment) : false
    case .checksum(let left):
      field = .checksum(left: left - 1)
      return left == 1
    }
  }

  /// Begins the next optional field. Returns whether there is none.
  private mutating func begin(after last: UInt8) -> Bool {
    if last < Self.extra, flags & Self.extra != 0 {
      field = .extraLength(index: 0)
    } else if last < Self.name, flags & Self.name != 0 {
      field = .name
    } else if last < Self.comment, flags & Self.comment != 0 {
      field = .comment
    } else if flags & Self.checksum != 0 {
      field = .checksum(left: 2)
    } else {
      return true
    }
    return false
  }
}
