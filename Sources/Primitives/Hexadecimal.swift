// Hexadecimal digits of identifiers. Only lower case is accepted, so that the text can be restored from the number.

/// The number in `digits` digits at `offset`; `nil` if one of them is not a lower-case digit.
/// - Parameters:
///   - bytes: must have at least `offset + digits` bytes.
///   - digits: a multiple of four up to sixteen.
func hexadecimal(_ bytes: UnsafeRawBufferPointer, at offset: Int, digits: Int = 16) -> UInt64? {
  var number: UInt64 = 0
  var offset = offset
  let end = offset + digits
  if digits % 8 != 0 {
    let text = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    guard let value = eightDigits(0x3030_3030_0000_0000 | UInt64(text)) else { return nil }
    number = value
    offset += 4
  }
  while offset < end {
    guard let value = eightDigits(UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))) else { return nil }
    number = number << 32 | value
    offset += 8
  }
  return number
}

/// The number in eight digits, the first in the most significant byte. Converts all eight at once, since IDs are most of the bytes of a Pod
/// record.
private func eightDigits(_ text: UInt64) -> UInt64? {
  let ones: UInt64 = 0x0101_0101_0101_0101
  // `a` to `f` have bit 6, `0` to `9` do not. The low half of a byte is the digit, or nine less than it.
  let letters = text >> 6 & ones
  let values = (text & (0x0f * ones)) &+ letters &* 9
  // Valid if every value is below 16, is 10 or more exactly where there is a letter, and is written back as the same byte.
  guard values & (0xf0 * ones) == 0, (values &+ 6 * ones) >> 4 & ones == letters,
    values &+ 0x30 * ones &+ letters &* 0x27 == text
  else { return nil }
  let pairs = (values | values >> 4) & 0x00ff_00ff_00ff_00ff
  let fours = (pairs | pairs >> 8) & 0x0000_ffff_0000_ffff
  return (fours | fours >> 16) & 0xffff_ffff
}

/// Writes the lowest `digits` digits of the number to the buffer and advances the offset.
func write(hexadecimal number: UInt64, digits: Int = 16, to buffer: UnsafeMutableBufferPointer<UInt8>, at offset: inout Int) {
  for shift in stride(from: (digits - 1) * 4, through: 0, by: -4) {
    let digit = UInt8(truncatingIfNeeded: number >> UInt64(shift)) & 15
    buffer[offset] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
    offset += 1
  }
}

extension UInt8 {
  /// Whether this is `0` to `9` or `a` to `f` in ASCII.
  @inlinable
  package var isHexadecimalDigit: Bool {
    switch self {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"): true
    default: false
    }
  }
}
