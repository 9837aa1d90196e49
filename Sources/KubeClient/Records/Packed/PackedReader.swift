internal import Primitives

/// Reads the output of `PackedWriter` in the same order. Does no checks, since the bytes are our own.
struct PackedReader {
  private let bytes: UnsafeRawBufferPointer
  private(set) var offset: Int

  init(_ bytes: UnsafeRawBufferPointer, at offset: Int = 0) {
    self.bytes = bytes
    self.offset = offset
  }

  var isAtEnd: Bool { offset == bytes.count }

  mutating func byte() -> UInt8 {
    defer { offset += 1 }
    return bytes[offset]
  }

  mutating func count() -> Int {
    var number: UInt = 0
    var shift: UInt = 0
    while true {
      let next = byte()
      number |= UInt(next & 0x7f) << shift
      if next < 0x80 { return Int(number) }
      shift += 7
    }
  }

  mutating func halfWord() -> UInt32 {
    defer { offset += 4 }
    return UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }

  mutating func word() -> UInt64 {
    defer { offset += 8 }
    return UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }

  /// Must not outlive the buffer.
  mutating func textBytes() -> UnsafeRawBufferPointer {
    let length = count()
    defer { offset += length }
    return UnsafeRawBufferPointer(rebasing: bytes[offset..<(offset + length)])
  }

  mutating func text() -> String { String(decoding: textBytes(), as: UTF8.self) }
}

extension PackedReader {
  mutating func uid() -> UID {
    byte() == 1 ? .uuid(word(), word()) : .text(text())
  }

  mutating func address() -> PodIP {
    switch byte() {
    case 4: return .address(IPAddress(v4: halfWord()))
    case 6: return .address(IPAddress(v6: (word(), word())))
    default: return .text(text())
    }
  }

  mutating func containerID() -> ContainerStatusID {
    let form = byte()
    guard form > 0, let runtime = ContainerStatusID.Runtime(rawValue: form - 1) else { return ContainerStatusID(text()) }
    return ContainerStatusID(ContainerID(words: (word(), word(), word(), word())), runtime: runtime)
  }

  /// Reads the output of `PackedWriter.append(pairs:of:)`.
  mutating func pairs() -> [String: String] {
    let count = count()
    guard count > 0 else { return [:] }
    var pairs = [String: String](minimumCapacity: count)
    for _ in 0..<count {
      let key = text()
      pairs[key] = text()
    }
    return pairs
  }

  /// Skips pairs.
  mutating func skipPairs() {
    for _ in 0..<(2 * count()) { _ = textBytes() }
  }
}
