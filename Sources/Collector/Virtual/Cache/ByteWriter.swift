internal import Glibc

/// Writes into preallocated memory whose size was computed in advance. Overflow traps.
struct ByteWriter {
  private let memory: UnsafeMutableRawBufferPointer
  /// Bytes written.
  private(set) var count = 0

  init(_ memory: UnsafeMutableRawBufferPointer) {
    self.memory = memory
  }

  /// Bytes that still fit.
  var available: Int { memory.count - count }

  @inline(__always)
  mutating func append(_ bytes: UnsafeRawBufferPointer) {
    precondition(bytes.count <= available, "the memory is too small")
    guard let from = bytes.baseAddress, let to = memory.baseAddress else { return }
    memcpy(to + count, from, bytes.count)
    count += bytes.count
  }

  @inline(__always)
  mutating func append(_ byte: UInt8) {
    memory[count] = byte
    count += 1
  }

  mutating func append(_ integer: some FixedWidthInteger) {
    withUnsafeBytes(of: integer) { append($0) }
  }

  /// Overwrites an offset that was written before, as UInt32 or UInt16.
  mutating func store(offset: Int, isWide: Bool, at index: Int) {
    if isWide {
      memory.storeBytes(of: UInt32(offset), toByteOffset: index, as: UInt32.self)
    } else {
      memory.storeBytes(of: UInt16(offset), toByteOffset: index, as: UInt16.self)
    }
  }

  /// - Parameter number: not negative.
  @inline(__always)
  mutating func append(digitsOf number: Int64) {
    var rest = UInt64(number)
    var digits = 1
    var bound: UInt64 = 10
    while rest >= bound, digits < 19 {
      digits += 1
      bound *= 10
    }
    var index = count + digits
    precondition(digits <= available, "the memory is too small")
    repeat {
      index -= 1
      let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
      memory[index] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: digit)
      rest = quotient
    } while index > count
    count += digits
  }
}
