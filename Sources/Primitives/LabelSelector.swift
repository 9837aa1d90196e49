/// A label selector in the form of `kubectl --selector`: requirements that must all hold.
///
/// Syntax: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors.
/// The simulator has a second parser as an independent oracle: `Simulator/Selectors/LabelSelector.swift`.
package struct LabelSelector: Hashable, Sendable, CustomStringConvertible {
  private enum Requirement: Hashable {
    case exists(String)
    case absent(String)
    case isOneOf(String, Set<String>)
    case isNoneOf(String, Set<String>)
  }

  package let description: String
  private var requirements: [Requirement]

  /// `nil` for text that is not a selector, and for an empty one, which would select everything.
  package init?(_ text: String) {
    description = text
    var parsed: [Requirement] = []
    for part in Self.split(text) {
      guard let requirement = Self.requirement(part) else { return nil }
      parsed.append(requirement)
    }
    guard !parsed.isEmpty else { return nil }
    requirements = parsed
  }

  package func matches(_ labels: [String: String]) -> Bool {
    requirements.allSatisfy { requirement in
      switch requirement {
      case .exists(let key): labels[key] != nil
      case .absent(let key): labels[key] == nil
      case .isOneOf(let key, let values): labels[key].map(values.contains) ?? false
      case .isNoneOf(let key, let values): !(labels[key].map(values.contains) ?? false)
      }
    }
  }

  /// Splits at the commas outside parentheses.
  private static func split(_ text: String) -> [Substring] {
    var depth = 0
    return text.split(omittingEmptySubsequences: false) { character in
      if character == "(" { depth += 1 }
      if character == ")" { depth -= 1 }
      return character == "," && depth == 0
    }
  }

  private static func requirement(_ text: Substring) -> Requirement? {
    let text = trimmed(text)
    if let sign = text.firstIndex(of: "=") { return equality(text[..<sign], text[text.index(after: sign)...]) }
    if text.last == ")", let open = text.firstIndex(of: "(") {
      return membership(text[..<open], text[text.index(after: open)...].dropLast())
    }
    if text.first == "!" {
      let key = trimmed(text.dropFirst())
      return isKey(key) ? .absent(String(key)) : nil
    }
    return isKey(text) ? .exists(String(text)) : nil
  }

  /// The text before and after the first `=` of `key=value`, `key==value` or `key!=value`.
  private static func equality(_ left: Substring, _ right: Substring) -> Requirement? {
    let isNegated = left.last == "!"
    let key = trimmed(isNegated ? left.dropLast() : left)
    let value = trimmed(!isNegated && right.first == "=" ? right.dropFirst() : right)
    guard isKey(key), isValue(value) else { return nil }
    return isNegated ? .isNoneOf(String(key), [String(value)]) : .isOneOf(String(key), [String(value)])
  }

  /// The text before and between the parentheses of `key in (a, b)` or `key notin (a, b)`.
  private static func membership(_ left: Substring, _ list: Substring) -> Requirement? {
    let words = left.split(whereSeparator: \.isWhitespace)
    let values = list.split(separator: ",").map(trimmed)
    guard words.count == 2, isKey(words[0]), !values.isEmpty, values.allSatisfy(isValue) else { return nil }
    switch words[1] {
    case "in": return .isOneOf(String(words[0]), Set(values.map(String.init)))
    case "notin": return .isNoneOf(String(words[0]), Set(values.map(String.init)))
    default: return nil
    }
  }

  private static func isKey(_ text: Substring) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy { $0.isLabelCharacter || $0 == UInt8(ascii: "/") }
  }

  private static func isValue(_ text: Substring) -> Bool {
    text.utf8.count <= 63 && text.utf8.allSatisfy(\.isLabelCharacter)
  }

  private static func trimmed(_ text: Substring) -> Substring {
    var text = text.drop(while: \.isWhitespace)
    while text.last?.isWhitespace == true { text.removeLast() }
    return text
  }
}

extension UInt8 {
  /// Letters, digits, `-`, `_` and `.`.
  fileprivate var isLabelCharacter: Bool {
    switch self {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
      UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
      true
    default: false
    }
  }
}
