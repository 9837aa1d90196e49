/// The `metadata.uid` of an object. API servers assign UUIDs, which take 16 bytes here.
package enum UID: Hashable, Sendable {
  /// A UUID in lower case, most significant half first.
  case uuid(UInt64, UInt64)
  /// Any other text, unchanged.
  case text(String)

  package init(_ text: String) {
    var text = text
    self = text.withUTF8 { UID(bytes: UnsafeRawBufferPointer($0)) }
  }

  package init(bytes: UnsafeRawBufferPointer) {
    self = Self.uuid(bytes) ?? .text(String(decoding: bytes, as: UTF8.self))
  }

  /// Parses `8-4-4-4-12` digits (RFC 9562, section 4).
  private static func uuid(_ bytes: UnsafeRawBufferPointer) -> UID? {
    guard bytes.count == 36, [8, 13, 18, 23].allSatisfy({ bytes[$0] == UInt8(ascii: "-") }),
      let a = hexadecimal(bytes, at: 0, digits: 8), let b = hexadecimal(bytes, at: 9, digits: 4),
      let c = hexadecimal(bytes, at: 14, digits: 4), let d = hexadecimal(bytes, at: 19, digits: 4),
      let e = hexadecimal(bytes, at: 24, digits: 12)
    else { return nil }
    return .uuid(a << 32 | b << 16 | c, d << 48 | e)
  }
}

extension UID: CustomStringConvertible {
  package var description: String {
    switch self {
    case .text(let text): text
    case .uuid(let high, let low):
      String(unsafeUninitializedCapacity: 36) { buffer in
        var offset = 0
        for (number, digits) in [(high >> 32, 8), (high >> 16, 4), (high, 4), (low >> 48, 4), (low, 12)] {
          if offset > 0 {
            buffer[offset] = UInt8(ascii: "-")
            offset += 1
          }
          write(hexadecimal: number, digits: digits, to: buffer, at: &offset)
        }
        return offset
      }
    }
  }
}
