internal import Glibc

/// Writes into memory that was measured before.
struct ByteWriter {
  private let memory: UnsafeMutableRawBufferPointer
  private(set) var place = 0

  init(_ memory: UnsafeMutableRawBufferPointer) {
    self.memory = memory
  }

  var room: Int { memory.count - place }

  @inline(__always)
  mutating func append(_ bytes: UnsafeRawBufferPointer) {
    precondition(bytes.count <= room, "the room was measured wrong")
    guard let from = bytes.baseAddress, let to = memory.baseAddress else { return }
    memcpy(to + place, from, bytes.count)
    place += bytes.count
  }

  @inline(__always)
  mutating func append(_ byte: UInt8) {
    memory[place] = byte
    place += 1
  }

  mutating func append(_ integer: some FixedWidthInteger) {
    withUnsafeBytes(of: integer) { append($0) }
  }

  mutating func store(offset: Int, isWide: Bool, at place: Int) {
    if isWide {
      memory.storeBytes(of: UInt32(offset), toByteOffset: place, as: UInt32.self)
    } else {
      memory.storeBytes(of: UInt16(offset), toByteOffset: place, as: UInt16.self)
    }
  }

  /// Of a number that is not negative.
  @inline(__always)
  mutating func append(digitsOf number: Int64) {
    var rest = UInt64(number)
    var count = 1
    var bound: UInt64 = 10
    while rest >= bound, count < 19 {
      count += 1
      bound *= 10
    }
    var index = place + count
    precondition(count <= room, "the room was measured wrong")
    repeat {
      index -= 1
      let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
      memory[index] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: digit)
      rest = quotient
    } while index > place
    place += count
  }
}
