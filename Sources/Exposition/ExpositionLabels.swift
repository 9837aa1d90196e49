/// A formatted label set: names and escaped values, without the braces. Hot paths format the labels of a record once and write them with
/// each of its samples.
///
/// Label names come from our own source code and are not escaped. External input may only be a label value.
package struct ExpositionLabels: Hashable, Sendable, ExpressibleByDictionaryLiteral {
  /// `namespace="shop",pod="web-0"`, without the braces.
  package private(set) var bytes: [UInt8] = []

  package static let none = ExpositionLabels()

  package init() {}

  /// Keeps the given order. Names must be unique.
  package init(dictionaryLiteral elements: (String, String)...) {
    for (name, value) in elements {
      append(name, value)
    }
  }

  package var isEmpty: Bool { bytes.isEmpty }

  package mutating func append(_ name: String, _ value: String) {
    assert(isLabelName(name), "not a label name: \(name)")
    if !bytes.isEmpty {
      bytes.append(UInt8(ascii: ","))
    }
    bytes.append(contentsOf: name.utf8)
    bytes.append(UInt8(ascii: "="))
    bytes.append(UInt8(ascii: "\""))
    bytes.appendEscapedLabelValue(value)
    bytes.append(UInt8(ascii: "\""))
  }

  /// Appends another set. The two sets must have no name in common.
  package mutating func append(_ others: ExpositionLabels) {
    if !bytes.isEmpty, !others.bytes.isEmpty {
      bytes.append(UInt8(ascii: ","))
    }
    bytes.append(contentsOf: others.bytes)
  }

  package func adding(_ name: String, _ value: String) -> ExpositionLabels {
    var labels = self
    labels.append(name, value)
    return labels
  }
}

/// Whether the name is a valid label name: `[a-zA-Z_][a-zA-Z0-9_]*`.
package func isLabelName(_ name: String) -> Bool {
  guard let first = name.utf8.first, first.isNameStart, first != UInt8(ascii: ":") else { return false }
  return name.utf8.allSatisfy { $0.isNamePart && $0 != UInt8(ascii: ":") }
}

/// Whether the name is a valid metric name: `[a-zA-Z_:][a-zA-Z0-9_:]*`.
package func isMetricName(_ name: String) -> Bool {
  guard let first = name.utf8.first, first.isNameStart else { return false }
  return name.utf8.allSatisfy(\.isNamePart)
}

extension UInt8 {
  /// Letters, `_` and `:`. Label names may not contain the colon.
  var isNameStart: Bool {
    switch self {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"), UInt8(ascii: ":"): true
    default: false
    }
  }

  var isDigit: Bool {
    UInt8(ascii: "0") <= self && self <= UInt8(ascii: "9")
  }

  var isNamePart: Bool { isNameStart || isDigit }
}

extension [UInt8] {
  /// Escapes `\`, `"` and line feed.
  mutating func appendEscapedLabelValue(_ value: String) {
    for byte in value.utf8 {
      switch byte {
      case UInt8(ascii: "\\"), UInt8(ascii: "\""):
        append(UInt8(ascii: "\\"))
        append(byte)
      case UInt8(ascii: "\n"):
        append(UInt8(ascii: "\\"))
        append(UInt8(ascii: "n"))
      default:
        append(byte)
      }
    }
  }

  /// Escapes `\` and line feed, and for OpenMetrics quotes as well.
  mutating func appendEscapedHelp(_ text: String, escapingQuotes: Bool) {
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\"") where escapingQuotes:
        append(UInt8(ascii: "\\"))
        append(byte)
      case UInt8(ascii: "\\"):
        append(byte)
        append(byte)
      case UInt8(ascii: "\n"):
        append(UInt8(ascii: "\\"))
        append(UInt8(ascii: "n"))
      default:
        append(byte)
      }
    }
  }
}
