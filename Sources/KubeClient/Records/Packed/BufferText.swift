internal import Primitives

/// A label or an annotation, by where its texts are in a buffer.
struct TextPair {
  var key: Range<Int>
  var value: Range<Int>
}

/// Less than, equal to or more than 0, as the first text comes before, is equal to or comes after the second, byte by byte.
func compare(_ left: Range<Int>, _ right: Range<Int>, in bytes: RawSpan) -> Int {
  for (left, right) in zip(left, right) {
    let difference =
      Int(bytes.unsafeLoad(fromByteOffset: left, as: UInt8.self)) - Int(bytes.unsafeLoad(fromByteOffset: right, as: UInt8.self))
    if difference != 0 { return difference }
  }
  return left.count - right.count
}

/// Texts one after the other in one buffer, so that those of a program's own can be handled as those that stand in an answer are: by where
/// they are.
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
  /// The text there; what is no UTF-8, which the API server does not send, becomes replacement characters.
  func text(_ range: Range<Int>) -> String {
    extracting(range).withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
  }

  func uid(_ range: Range<Int>) -> UID {
    extracting(range).withUnsafeBytes { UID(bytes: $0) }
  }

  /// A name that is shared with all who have the same.
  func name(_ range: Range<Int>, from table: NameTable?) -> Name {
    withText(range) { table?.name($0) ?? Name(bytes: $0) }
  }

  /// Runs the function on the bytes of what `text` gives: of names that are looked up by what they are shown as.
  func withText<Result>(_ range: Range<Int>, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    extracting(range).withUnsafeBytes { bytes in
      // Names are ASCII, but for those of a server that we do not know.
      if bytes.allSatisfy({ $0 < 0x80 }) { return body(bytes) }
      var text = String(decoding: bytes, as: UTF8.self)
      return text.withUTF8 { body(UnsafeRawBufferPointer($0)) }
    }
  }
}
