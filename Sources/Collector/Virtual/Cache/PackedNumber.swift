/// A number as it was written, in half the bytes: a digit, a point or a sign takes four bits, the high ones first, and an end stands behind
/// them. What has other characters, such as `NaN` or `0x1p3`, stands as it is behind an escape and its length (UInt32).
enum PackedNumber {
  private static let symbols = Array("0123456789.-+e".utf8)
  private static let escape: UInt8 = 14
  private static let end: UInt8 = 15
  /// By the character; 255 for those that have no code.
  private static let codes: [UInt8] = {
    var codes = [UInt8](repeating: 255, count: 256)
    for (code, symbol) in symbols.enumerated() { codes[Int(symbol)] = UInt8(code) }
    return codes
  }()

  static func byteCount(of number: UnsafeRawBufferPointer) -> Int {
    isPlain(number) ? number.count / 2 + 1 : 5 + number.count
  }

  static func append(_ number: UnsafeRawBufferPointer, to output: inout ByteWriter) {
    guard isPlain(number) else {
      output.append(escape << 4)
      output.append(UInt32(number.count))
      return output.append(number)
    }
    codes.withUnsafeBufferPointer { codes in
      var place = 0
      while place + 1 < number.count {
        output.append(codes[Int(number[place])] << 4 | codes[Int(number[place + 1])])
        place += 2
      }
      output.append(place < number.count ? codes[Int(number[place])] << 4 | end : end << 4)
    }
  }

  /// Writes the number that begins at the place, and moves the place behind it. There has to be room for it.
  @inline(__always)
  static func unpack(_ bytes: UnsafeRawBufferPointer, _ place: inout Int, into output: inout ByteWriter) {
    symbols.withUnsafeBufferPointer { symbols in
      while true {
        let (high, low) = (bytes[place] >> 4, bytes[place] & 15)
        place += 1
        if high >= escape {
          guard high == escape else { return }
          let count = Int(bytes.loadUnaligned(fromByteOffset: place, as: UInt32.self))
          output.append(UnsafeRawBufferPointer(rebasing: bytes[place + 4..<place + 4 + count]))
          place += 4 + count
          return
        }
        output.append(symbols[Int(high)])
        if low == end { return }
        output.append(symbols[Int(low)])
      }
    }
  }

  private static func isPlain(_ number: UnsafeRawBufferPointer) -> Bool {
    codes.withUnsafeBufferPointer { codes in number.allSatisfy { codes[Int($0)] != 255 } }
  }
}
