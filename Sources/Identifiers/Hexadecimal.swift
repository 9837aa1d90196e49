// Hexadecimal digits as the identifiers are written: lower case only, so that what is read is written again byte for byte.

/// The number in so many digits that start at `offset`; `nil` where one of them is no lower-case digit. The bytes must be there.
func hexadecimal(_ bytes: UnsafeRawBufferPointer, at offset: Int, digits: Int = 16) -> UInt64? {
  var number: UInt64 = 0
  for index in offset..<(offset + digits) {
    let digit: UInt8
    switch bytes[index] {
    case let byte where byte &- UInt8(ascii: "0") < 10: digit = byte &- UInt8(ascii: "0")
    case let byte where byte &- UInt8(ascii: "a") < 6: digit = byte &- UInt8(ascii: "a") &+ 10
    default: return nil
    }
    number = number << 4 | UInt64(digit)
  }
  return number
}

/// Writes the lowest so many digits of the number into the buffer at `offset`, and moves the offset behind them.
func write(hexadecimal number: UInt64, digits: Int = 16, to buffer: UnsafeMutableBufferPointer<UInt8>, at offset: inout Int) {
  for place in stride(from: (digits - 1) * 4, through: 0, by: -4) {
    let digit = UInt8(truncatingIfNeeded: number >> UInt64(place)) & 15
    buffer[offset] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
    offset += 1
  }
}
