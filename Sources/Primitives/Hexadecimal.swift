// Hexadecimal digits as the identifiers are written: lower case only, so that what is read is written again byte for byte.

/// The number in so many digits that start at `offset`, a multiple of four up to sixteen; `nil` where one of them is no lower-case digit. The
/// bytes must be there.
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

/// The number in eight digits, the first of them in the most significant byte: all are converted at once, since IDs are most of what is read of a
/// Pod.
private func eightDigits(_ text: UInt64) -> UInt64? {
  let ones: UInt64 = 0x0101_0101_0101_0101
  // `a` to `f` have bit 6, `0` to `9` do not. The low half of a byte is the digit, or nine less than it.
  let letters = text >> 6 & ones
  let values = (text & (0x0f * ones)) &+ letters &* 9
  // Right if every value is under 16, is 10 or more exactly where there is a letter, and is written as it stood there.
  guard values & (0xf0 * ones) == 0, (values &+ 6 * ones) >> 4 & ones == letters,
    values &+ 0x30 * ones &+ letters &* 0x27 == text
  else { return nil }
  let pairs = (values | values >> 4) & 0x00ff_00ff_00ff_00ff
  let fours = (pairs | pairs >> 8) & 0x0000_ffff_0000_ffff
  return (fours | fours >> 16) & 0xffff_ffff
}

/// Writes the lowest so many digits of the number into the buffer at `offset`, and moves the offset behind them.
func write(hexadecimal number: UInt64, digits: Int = 16, to buffer: UnsafeMutableBufferPointer<UInt8>, at offset: inout Int) {
  for place in stride(from: (digits - 1) * 4, through: 0, by: -4) {
    let digit = UInt8(truncatingIfNeeded: number >> UInt64(place)) & 15
    buffer[offset] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
    offset += 1
  }
}
