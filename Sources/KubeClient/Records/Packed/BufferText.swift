internal import Primitives

/// A label or an annotation, as ranges in a buffer.
struct TextPair {
  var key: Range<Int>
  var value: Range<Int>
}

/// Compares two texts byte by byte: negative, 0 or positive, as `memcmp`.
func compare(_ left: Range<Int>, _ right: Range<Int>, in bytes: RawSpan) -> Int {
  for (left, right) in zip(left, right) {
    let difference =
      Int(bytes.unsafeLoad(fromByteOffset: left, as: UInt8.self)) - Int(bytes.unsafeLoad(fromByteOffset: right, as: UInt8.self))
    if difference != 0 { return difference }
  }
  return left.count - right.count
}

/// A buffer for texts that do not come from a response, so that they can be referenced by ranges as well.
struct TextArena {
  private(set) var bytes: [UInt8] = []

  mutating func add(_ text: String) -> Range<Int> {
    let start = bytes.count
    bytes.append(contentsOf: text.utf8)
    return start..<bytes.count
  }

  mutating func add(_ pairs: [String: String]) -> [TextPair] {
    pairs.map { TextPair(key: add($0.key), value: add($0.value)) }
  }
}

extension RawSpan {
  /// Invalid UTF-8, which the API server does not send, becomes replacement characters.
  func text(_ range: Range<Int>) -> String {
    extracting(range).withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
  }

  func isEqual(_ range: Range<Int>, _ text: String) -> Bool {
    range.count == text.utf8.count && extracting(range).withUnsafeBytes { $0.elementsEqual(text.utf8) }
  }

  func uid(_ range: Range<Int>) -> UID {
    extracting(range).withUnsafeBytes { UID(bytes: $0) }
  }

  /// A name, shared with all records that have the same.
  func name(_ range: Range<Int>, from table: NameTable?) -> Name {
    withText(range) { table?.name($0) ?? Name(bytes: $0) }
  }

  /// Calls `body` with the UTF-8 of `text(range)`, since names are looked up by their valid text.
  func withText<Result>(_ range: Range<Int>, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    extracting(range).withUnsafeBytes { bytes in
      // Names are ASCII, except from an unknown server.
      if bytes.allSatisfy({ $0 < 0x80 }) { return body(bytes) }
      var text = String(decoding: bytes, as: UTF8.self)
      return text.withUTF8 { body(UnsafeRawBufferPointer($0)) }
    }
  }
}
