/// A resource version: a number where it is written as one, which is how every API server on etcd does; any other text otherwise.
///
/// Only its text means anything to us: versions are compared for equality alone.
enum PackedVersion: Equatable {
  case number(UInt64)
  case text

  /// - Parameter text: where it is in `bytes`.
  init(_ text: Range<Int>, in bytes: RawSpan) {
    // 19 digits always fit; a leading zero would not come back.
    guard (1...19).contains(text.count) else {
      self = .text
      return
    }
    var number: UInt64 = 0
    for offset in text {
      let digit = bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self) &- UInt8(ascii: "0")
      guard digit < 10, offset == text.lowerBound || number > 0 else {
        self = .text
        return
      }
      number = number * 10 + UInt64(digit)
    }
    self = .number(number)
  }
}
