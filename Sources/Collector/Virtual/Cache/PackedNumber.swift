/// Stores a number as it was written, in half the bytes: each digit, point or sign takes four bits, high nibble first, followed by an end
/// code. Other text, such as `NaN` or `0x1p3`, is stored verbatim after an escape code and its length (UInt32).
enum PackedNumber {
  private static let symbols = Array("0123456789.-+e".utf8)
  private static let escape: UInt8 = 14
  private static let end: UInt8 = 15
  /// The code of each character, or 255.
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
      var index = 0
      while index + 1 < number.count {
        output.append(codes[Int(number[index])] << 4 | codes[Int(number[index + 1])])
        index += 2
      }
      output.append(index < number.count ? codes[Int(number[index])] << 4 | end : end << 4)
    }
  }

  /// Writes the number at `index` and moves `index` to its end. The output must be large enough.
  @inline(__always)
  static func unpack(_ bytes: UnsafeRawBufferPointer, _ index: inout Int, into output: inout ByteWriter) {
    symbols.withUnsafeBufferPointer { symbols in
      while true {
        let (high, low) = (bytes[index] >> 4, bytes[index] & 15)
        index += 1
        if high >= escape {
          guard high == escape else { return }
          let count = Int(bytes.loadUnaligned(fromByteOffset: index, as: UInt32.self))
          output.append(UnsafeRawBufferPointer(rebasing: bytes[index + 4..<index + 4 + count]))
          index += 4 + count
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
