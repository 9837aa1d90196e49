#if canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif

// The words and lines of a kernel file, as slices of the bytes that were read. Nothing here allocates, and nothing outlives the closure
// that the bytes were lent to.

/// Hands out the lines of a file one by one, without their line feeds.
struct Lines {
  private var rest: UnsafeRawBufferPointer
  /// The number of the line that `next` gave last, from 1.
  private(set) var number: Int

  /// - Parameter before: the lines of the file that stand before these.
  init(_ bytes: UnsafeRawBufferPointer, after before: Int = 0) {
    rest = bytes
    number = before
  }

  mutating func next() -> Words? {
    guard !rest.isEmpty else { return nil }
    number += 1
    return Words(rest.takePrefix(upTo: UInt8(ascii: "\n")))
  }

  func malformed(_ reason: String) -> MalformedFile {
    MalformedFile(line: number, reason: reason)
  }
}

/// Hands out the words of a line, which single spaces separate.
struct Words {
  /// What was not handed out yet.
  private(set) var rest: UnsafeRawBufferPointer

  init(_ line: UnsafeRawBufferPointer) {
    rest = line
  }

  /// What is left of the line.
  var text: String { String(decoding: rest, as: UTF8.self) }

  mutating func next() -> UnsafeRawBufferPointer? {
    var start = 0
    while start < rest.count, rest[start] == UInt8(ascii: " ") { start += 1 }
    // Words are short: looking at each byte is faster than a call that looks at many.
    var end = start
    while end < rest.count, rest[end] != UInt8(ascii: " ") { end += 1 }
    if start == end { return nil }
    let word = UnsafeRawBufferPointer(rebasing: rest[start..<end])
    rest = UnsafeRawBufferPointer(rebasing: rest[min(end + 1, rest.count)...])
    return word
  }

  /// The first word alone, or nothing.
  var trimmed: UnsafeRawBufferPointer {
    var words = self
    return words.next() ?? UnsafeRawBufferPointer(start: nil, count: 0)
  }
}

extension UnsafeRawBufferPointer {
  /// Cuts off and returns what stands before the separator, which goes too.
  fileprivate mutating func takePrefix(upTo separator: UInt8) -> UnsafeRawBufferPointer {
    guard let base = baseAddress, let found = memchr(base, CInt(separator), count) else {
      defer { self = UnsafeRawBufferPointer(rebasing: suffix(0)) }
      return self
    }
    let length = UnsafeRawPointer(found) - base
    defer { self = UnsafeRawBufferPointer(rebasing: dropFirst(length + 1)) }
    return UnsafeRawBufferPointer(rebasing: prefix(length))
  }

  func isEqual(to text: StaticString) -> Bool {
    guard let base = baseAddress else { return text.utf8CodeUnitCount == 0 }
    return count == text.utf8CodeUnitCount && memcmp(base, text.utf8Start, count) == 0
  }

  /// The bytes before a last `:`, or `nil` if there is none.
  var withoutColon: UnsafeRawBufferPointer? {
    last == UInt8(ascii: ":") ? UnsafeRawBufferPointer(rebasing: dropLast()) : nil
  }

  /// What stands before and behind the last `:`, or `nil` if there is none. Names of interfaces may have colons of their own.
  var splitAtLastColon: (before: UnsafeRawBufferPointer, after: UnsafeRawBufferPointer)? {
    lastIndex(of: UInt8(ascii: ":")).map {
      (UnsafeRawBufferPointer(rebasing: self[..<$0]), UnsafeRawBufferPointer(rebasing: self[($0 + 1)...]))
    }
  }

  /// The whole of it as a hexadecimal number; `nil` for anything else, and for what does not fit.
  var hexadecimal: UInt32? {
    guard !isEmpty, count <= 8 else { return nil }
    var value: UInt32 = 0
    for byte in self {
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt32(byte - UInt8(ascii: "0"))
      case UInt8(ascii: "A")...UInt8(ascii: "F"): value = value << 4 | UInt32(byte - UInt8(ascii: "A") + 10)
      default: return nil
      }
    }
    return value
  }

  /// The whole of it as a decimal number; `nil` for anything else, and for what does not fit.
  var decimal: Int64? {
    let isNegative = first == UInt8(ascii: "-")
    let digits = isNegative ? dropFirst() : self[...]
    guard !digits.isEmpty else { return nil }
    var value: Int64 = 0
    for byte in digits {
      guard UInt8(ascii: "0") <= byte, byte <= UInt8(ascii: "9") else { return nil }
      let (shifted, overflow) = value.multipliedReportingOverflow(by: 10)
      let (next, carry) = shifted.addingReportingOverflow(Int64(byte - UInt8(ascii: "0")))
      guard !overflow, !carry else { return nil }
      value = next
    }
    return isNegative ? -value : value
  }

  /// For messages: what stands there, cut short.
  var excerpt: String {
    String(decoding: prefix(60), as: UTF8.self)
  }
}
