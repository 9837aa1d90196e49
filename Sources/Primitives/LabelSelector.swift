/// A label selector in the form of `kubectl --selector`: requirements that must all hold.
///
/// Syntax: `Parse` in https://pkg.go.dev/k8s.io/apimachinery/pkg/labels.
/// The simulator has a second parser as an independent oracle: `Simulator/Selectors/LabelSelector.swift`.
package struct LabelSelector: Hashable, Sendable, CustomStringConvertible {
  private enum Requirement: Hashable {
    case exists(String)
    case absent(String)
    case isOneOf(String, Set<String>)
    case isNoneOf(String, Set<String>)
    case isGreater(String, than: Int64)
    case isLess(String, than: Int64)
  }

  package let description: String
  private var requirements: [Requirement]

  /// `nil` for text that is not a selector, and for an empty one, which would select everything.
  package init?(_ text: String) {
    description = text
    requirements = []
    var tokens = Self.tokens(of: text)[...]
    repeat {
      guard let requirement = Self.requirement(&tokens) else { return nil }
      requirements.append(requirement)
    } while tokens.take(",")
    guard tokens.isEmpty else { return nil }
  }

  /// One of `matchExpressions`; `matchLabels` are such with `In`.
  package struct Expression: Hashable, Sendable {
    package var key: String
    package var `operator`: Operator
    package var values: [String]

    package init(key: String, _ operator: Operator, _ values: [String]) {
      self.key = key
      self.operator = `operator`
      self.values = values
    }
  }

  package enum Operator: String, CaseIterable, Hashable, Sendable {
    case isIn = "In"
    case isNotIn = "NotIn"
    case exists = "Exists"
    case doesNotExist = "DoesNotExist"
  }

  /// `nil` without expressions, and if one of them is not valid in the API.
  package init?(_ expressions: [Expression]) {
    requirements = []
    var texts: [String] = []
    for expression in expressions {
      let (key, values) = (expression.key, expression.values)
      let wantsValues = expression.operator == .isIn || expression.operator == .isNotIn
      guard Self.isKey(key[...]), wantsValues != values.isEmpty, values.allSatisfy({ Self.isValue($0[...]) }) else { return nil }
      let list = "(\(values.joined(separator: ",")))"
      switch expression.operator {
      case .isIn:
        requirements.append(.isOneOf(key, Set(values)))
        texts.append(values.count == 1 ? "\(key)=\(values[0])" : "\(key) in \(list)")
      case .isNotIn:
        requirements.append(.isNoneOf(key, Set(values)))
        texts.append("\(key) notin \(list)")
      case .exists:
        requirements.append(.exists(key))
        texts.append(key)
      case .doesNotExist:
        requirements.append(.absent(key))
        texts.append("!\(key)")
      }
    }
    guard !requirements.isEmpty else { return nil }
    description = texts.joined(separator: ",")
  }

  package func matches(_ labels: [String: String]) -> Bool {
    requirements.allSatisfy { requirement in
      switch requirement {
      case .exists(let key): labels[key] != nil
      case .absent(let key): labels[key] == nil
      case .isOneOf(let key, let values): labels[key].map(values.contains) ?? false
      case .isNoneOf(let key, let values): !(labels[key].map(values.contains) ?? false)
      case .isGreater(let key, let number): labels[key].flatMap { Int64($0) }.map { $0 > number } ?? false
      case .isLess(let key, let number): labels[key].flatMap { Int64($0) }.map { $0 < number } ?? false
      }
    }
  }

  /// The keys of the labels that it looks at.
  package var keys: some Sequence<String> {
    requirements.lazy.map { requirement in
      switch requirement {
      case .exists(let key), .absent(let key), .isOneOf(let key, _), .isNoneOf(let key, _), .isGreater(let key, _), .isLess(let key, _): key
      }
    }
  }

  /// Whether an object can have this label.
  package static func isLabel(key: String, value: String) -> Bool { isKey(key[...]) && isValue(value[...]) }

  // MARK: Parsing

  /// Words and operators, without the white space between them.
  private static func tokens(of text: String) -> [Substring] {
    var tokens: [Substring] = []
    var rest = text[...]
    while let first = rest.first {
      if first.isWhitespace {
        rest.removeFirst()
        continue
      }
      let length =
        if let symbol = ["==", "!=", "=", "!", ">", "<", "(", ")", ","].first(where: { rest.hasPrefix($0) }) {
          symbol.count
        } else {
          rest.prefix { !$0.isWhitespace && !"=!><(),".contains($0) }.count
        }
      tokens.append(rest.prefix(length))
      rest.removeFirst(length)
    }
    return tokens
  }

  private static func requirement(_ tokens: inout ArraySlice<Substring>) -> Requirement? {
    let isNegated = tokens.take("!")
    guard let word = tokens.popFirst(), isKey(word) else { return nil }
    let key = String(word)
    if tokens.isEmpty || tokens.first == "," { return isNegated ? .absent(key) : .exists(key) }
    guard !isNegated else { return nil }
    switch tokens.popFirst() {
    case "=", "==": return value(&tokens).map { .isOneOf(key, [$0]) }
    case "!=": return value(&tokens).map { .isNoneOf(key, [$0]) }
    case "in": return values(&tokens).map { .isOneOf(key, $0) }
    case "notin": return values(&tokens).map { .isNoneOf(key, $0) }
    case ">": return value(&tokens).flatMap { Int64($0) }.map { .isGreater(key, than: $0) }
    case "<": return value(&tokens).flatMap { Int64($0) }.map { .isLess(key, than: $0) }
    default: return nil
    }
  }

  /// A value, which may be empty before a comma, a closing parenthesis or the end. `nil` for anything else.
  private static func value(_ tokens: inout ArraySlice<Substring>) -> String? {
    guard let first = tokens.first, first != ",", first != ")" else { return "" }
    tokens.removeFirst()
    return isValue(first) ? String(first) : nil
  }

  /// The values of `(a, b)`. Without a value between commas the empty one is meant.
  private static func values(_ tokens: inout ArraySlice<Substring>) -> Set<String>? {
    guard tokens.take("(") else { return nil }
    var values: Set<String> = []
    repeat {
      guard let value = value(&tokens) else { return nil }
      values.insert(value)
    } while tokens.take(",")
    return tokens.take(")") ? values : nil
  }

  /// A name of at most 63 bytes, after an optional DNS subdomain and a slash.
  private static func isKey(_ text: Substring) -> Bool {
    guard let slash = text.firstIndex(of: "/") else { return !text.isEmpty && isValue(text) }
    let (domain, name) = (text[..<slash], text[text.index(after: slash)...])
    return !name.isEmpty && isValue(name) && domain.utf8.count <= 253
      && domain.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
        isFramed(label)
          && label.utf8.allSatisfy { $0.isAlphanumeric && !(UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) || $0 == UInt8(ascii: "-") }
      }
  }

  private static func isValue(_ text: Substring) -> Bool {
    text.isEmpty || text.utf8.count <= 63 && isFramed(text) && text.utf8.allSatisfy { $0.isAlphanumeric || "-_.".utf8.contains($0) }
  }

  /// Whether the text starts and ends with a letter or a digit.
  private static func isFramed(_ text: Substring) -> Bool {
    text.utf8.first?.isAlphanumeric == true && text.utf8.last?.isAlphanumeric == true
  }
}

extension ArraySlice<Substring> {
  /// Removes the first token if it is `token`.
  fileprivate mutating func take(_ token: Substring) -> Bool {
    guard first == token else { return false }
    removeFirst()
    return true
  }
}

extension UInt8 {
  fileprivate var isAlphanumeric: Bool {
    switch self {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
    default: false
    }
  }
}
