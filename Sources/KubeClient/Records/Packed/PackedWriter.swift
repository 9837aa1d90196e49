internal import Primitives

/// Packs the fields of an object into bytes that `PackedReader` reads in the same order: texts with a length prefix, and variable-length
/// numbers. Has no padding and no pointers, so that a record is a single allocation.
struct PackedWriter {
  private(set) var bytes: [UInt8] = []

  init() { bytes.reserveCapacity(256) }

  mutating func append(byte: UInt8) { bytes.append(byte) }

  /// A varint as in protobuf: seven bits per byte, lowest first.
  mutating func append(count: Int) {
    var rest = UInt(count)
    while rest > 0x7f {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  mutating func append(halfWord: UInt32) {
    withUnsafeBytes(of: halfWord.littleEndian) { bytes.append(contentsOf: $0) }
  }

  mutating func append(word: UInt64) {
    withUnsafeBytes(of: word.littleEndian) { bytes.append(contentsOf: $0) }
  }

  mutating func append(text: Range<Int>, of buffer: RawSpan) {
    append(count: text.count)
    buffer.extracting(text).withUnsafeBytes { bytes.append(contentsOf: $0) }
  }

  mutating func append(text: String) {
    append(count: text.utf8.count)
    bytes.append(contentsOf: text.utf8)
  }
}

// Primitives: a byte for the form, then the form's content.

extension PackedWriter {
  mutating func append(_ uid: UID) {
    switch uid {
    case .uuid(let high, let low):
      append(byte: 1)
      append(word: high)
      append(word: low)
    case .text(let text):
      append(byte: 0)
      append(text: text)
    }
  }

  mutating func append(_ address: PodIP) {
    switch address {
    case .address(let address):
      if let number = address.v4 {
        append(byte: 4)
        append(halfWord: number)
      } else if let number = address.v6 {
        append(byte: 6)
        append(word: number.high)
        append(word: number.low)
      }
    case .text(let text):
      append(byte: 0)
      append(text: text)
    }
  }

  mutating func append(_ id: ContainerStatusID) {
    guard let words = id.id?.words, let runtime = id.runtime else {
      append(byte: 0)
      append(text: id.description)
      return
    }
    append(byte: 1 + runtime.rawValue)
    append(word: words.0)
    append(word: words.1)
    append(word: words.2)
    append(word: words.3)
  }
}

/// A resource version: a number, as from every API server on etcd, or any other text.
///
/// Versions are only compared for equality.
enum PackedVersion: Equatable {
  case number(UInt64)
  case text

  /// - Parameter text: a range in `bytes`.
  init(_ text: Range<Int>, in bytes: RawSpan) {
    // 19 digits always fit. A leading zero would be lost.
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

extension PackedWriter {
  /// Appends pairs sorted by key, so that equal content has equal bytes. The last of duplicate keys wins.
  mutating func append(pairs: [TextPair], of buffer: RawSpan) {
    guard pairs.count > 1 else {
      append(count: pairs.count)
      for pair in pairs { append(pair, of: buffer) }
      return
    }
    let sorted = pairs.enumerated().sorted { left, right in
      switch compare(left.element.key, right.element.key, in: buffer) {
      case 0: left.offset < right.offset
      case let order: order < 0
      }
    }.map(\.element)
    let kept = sorted.indices.filter { index in
      index + 1 == sorted.count || compare(sorted[index].key, sorted[index + 1].key, in: buffer) != 0
    }
    append(count: kept.count)
    for index in kept { append(sorted[index], of: buffer) }
  }

  private mutating func append(_ pair: TextPair, of buffer: RawSpan) {
    append(text: pair.key, of: buffer)
    append(text: pair.value, of: buffer)
  }
}
