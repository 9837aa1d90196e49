/// A hash of bytes for tables that live as long as one page, after the idea of wyhash (https://github.com/wangyi-fudan/wyhash): 16 bytes
/// are folded in by one multiplication. Seeded for each process, so that nobody can make a page whose labels all fall into one slot.
func hash(of bytes: UnsafeRawBufferPointer) -> UInt64 {
  guard let base = bytes.baseAddress else { return seed }
  var state = seed ^ UInt64(truncatingIfNeeded: bytes.count)
  var place = 0
  while place + 16 <= bytes.count {
    state = mixed(
      base.loadUnaligned(fromByteOffset: place, as: UInt64.self) ^ state,
      base.loadUnaligned(fromByteOffset: place + 8, as: UInt64.self) ^ 0x9e37_79b9_7f4a_7c15)
    place += 16
  }
  var low: UInt64 = 0
  var high: UInt64 = 0
  while place < bytes.count {
    high = high << 8 | low >> 56
    low = low << 8 | UInt64(bytes[place])
    place += 1
  }
  return mixed(low ^ state, high ^ 0xd6e8_feb8_6659_fd93)
}

func mixed(_ left: UInt64, _ right: UInt64) -> UInt64 {
  let product = left.multipliedFullWidth(by: right)
  return product.high ^ product.low
}

private let seed = UInt64.random(in: .min ... .max) | 1
