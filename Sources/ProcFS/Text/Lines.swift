internal import Glibc

// Lines and words are slices of the bytes read. They do not allocate, and are valid only within the closure that received the bytes.

/// Iterates over the lines of a file, without their line feeds.
struct Lines {
  private var rest: UnsafeRawBufferPointer
  /// The number of the line that `next` returned last, from 1.
  private(set) var number: Int

  /// - Parameter before: the number of lines of the file that precede `bytes`.
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

/// Iterates over the words of a line, which are separated by spaces.
struct Words {
  /// The part of the line that `next` has not returned yet.
  private(set) var rest: UnsafeRawBufferPointer

  init(_ line: UnsafeRawBufferPointer) {
    rest = line
  }

  /// `rest` as text.
  var text: String { String(decoding: rest, as: UTF8.self) }

  mutating func next() -> UnsafeRawBufferPointer? {
    var start = 0
    while start < rest.count, rest[start] == UInt8(ascii: " ") { start += 1 }
    // Words are short, so a byte loop is faster than memchr.
    var end = start
    while end < rest.count, rest[end] != UInt8(ascii: " ") { end += 1 }
    if start == end { return nil }
    let word = UnsafeRawBufferPointer(rebasing: rest[start..<end])
    rest = UnsafeRawBufferPointer(rebasing: rest[min(end + 1, rest.count)...])
    return word
  }

  /// The first word, or no bytes.
  var trimmed: UnsafeRawBufferPointer {
    var words = self
    return words.next() ?? UnsafeRawBufferPointer(start: nil, count: 0)
  }
}

extension UnsafeRawBufferPointer {
  /// Removes and returns the bytes before the separator, and removes the separator.
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

  /// The bytes before a trailing `:`, or `nil` without one.
  var withoutColon: UnsafeRawBufferPointer? {
    last == UInt8(ascii: ":") ? UnsafeRawBufferPointer(rebasing: dropLast()) : nil
  }

  /// The bytes before and after the last `:`, or `nil` without one. Interface names may contain colons.
  var splitAtLastColon: (before: UnsafeRawBufferPointer, after: UnsafeRawBufferPointer)? {
    lastIndex(of: UInt8(ascii: ":")).map {
      (UnsafeRawBufferPointer(rebasing: self[..<$0]), UnsafeRawBufferPointer(rebasing: self[($0 + 1)...]))
    }
  }

  /// All bytes as a hexadecimal number in upper case; `nil` if they are not one, or on overflow.
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

  /// All bytes as a decimal number; `nil` if they are not one, or on overflow.
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

  /// All bytes as a decimal number without a sign; `nil` if they are not one, or on overflow.
  var unsigned: UInt64? {
    guard !isEmpty else { return nil }
    var value: UInt64 = 0
    for byte in self {
      guard UInt8(ascii: "0") <= byte, byte <= UInt8(ascii: "9") else { return nil }
      let (shifted, overflow) = value.multipliedReportingOverflow(by: 10)
      let (next, carry) = shifted.addingReportingOverflow(UInt64(byte - UInt8(ascii: "0")))
      guard !overflow, !carry else { return nil }
      value = next
    }
    return value
  }

  /// The first bytes as text, for error messages.
  var excerpt: String {
    String(decoding: prefix(60), as: UTF8.self)
  }
}
