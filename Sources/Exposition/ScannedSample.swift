/// One sample, as places on the page that it was read from: nothing is copied until someone asks for it. The accessors take that page.
package struct ScannedSample: Sendable {
  /// Counted from 1.
  package internal(set) var line = 0
  package internal(set) var name = 0..<0
  package internal(set) var labels: [ScannedLabel] = []
  package internal(set) var value = 0.0
  /// Milliseconds since 1970-01-01T00:00:00Z, where the sample carries its own time.
  package internal(set) var timestampMilliseconds: Int64?

  package func hasName(_ expected: StaticString, in page: Span<UInt8>) -> Bool {
    page.extracting(name).isEqual(to: expected)
  }

  package func nameHasPrefix(_ prefix: StaticString, in page: Span<UInt8>) -> Bool {
    name.count >= prefix.utf8CodeUnitCount
      && page.extracting(name.lowerBound..<name.lowerBound + prefix.utf8CodeUnitCount).isEqual(to: prefix)
  }

  /// A copy of the name, for messages.
  package func nameText(in page: Span<UInt8>) -> String {
    page.extracting(name).text
  }

  /// The label of this name, if the sample has it.
  package func label(_ wanted: StaticString, in page: Span<UInt8>) -> ScannedLabel? {
    labels.first { page.extracting($0.name).isEqual(to: wanted) }
  }
}

/// One label of a sample: where its name stands, and where its value does, between the quotes and still escaped.
package struct ScannedLabel: Sendable {
  package internal(set) var name: Range<Int>
  package internal(set) var value: Range<Int>
  /// Whether the value has a backslash in it.
  package internal(set) var isEscaped: Bool

  package var isEmpty: Bool { value.isEmpty }

  /// A copy of the name.
  package func nameText(in page: Span<UInt8>) -> String { page.extracting(name).text }

  /// A copy of the value, unescaped.
  package func text(in page: Span<UInt8>) -> String {
    let raw = page.extracting(value)
    guard isEscaped else { return raw.text }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(raw.count)
    var index = 0
    while index < raw.count {
      if raw[index] == UInt8(ascii: "\\"), index + 1 < raw.count {
        index += 1
        bytes.append(raw[index] == UInt8(ascii: "n") ? UInt8(ascii: "\n") : raw[index])
      } else {
        bytes.append(raw[index])
      }
      index += 1
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Whether the unescaped value is `text`, byte for byte. Copies nothing unless the value is escaped.
  package func hasValue(_ text: String, in page: Span<UInt8>) -> Bool {
    if isEscaped { return self.text(in: page) == text }
    guard value.count == text.utf8.count else { return false }
    var index = value.lowerBound
    for byte in text.utf8 {
      guard page[index] == byte else { return false }
      index += 1
    }
    return true
  }

  package func hasValue(_ text: StaticString, in page: Span<UInt8>) -> Bool {
    !isEscaped && page.extracting(value).isEqual(to: text)
  }
}

extension Span<UInt8> {
  func isEqual(to expected: StaticString) -> Bool {
    guard count == expected.utf8CodeUnitCount else { return false }
    return expected.withUTF8Buffer { wanted in
      for index in 0..<count where self[index] != wanted[index] {
        return false
      }
      return true
    }
  }

  func isEqual(to other: Span<UInt8>) -> Bool {
    guard count == other.count else { return false }
    for index in 0..<count where self[index] != other[index] {
      return false
    }
    return true
  }

  var text: String {
    withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
  }

  var isValidUTF8: Bool {
    (try? UTF8Span(validating: self)) != nil
  }
}
