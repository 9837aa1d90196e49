/// A label selector: `a=b, c!=d, e in (f, g), h notin (i), j, !k, l>1, m<2`. Source: k8s.io/apimachinery/pkg/labels.
///
/// This is a second implementation on purpose: the simulator is an independent oracle for the selector that the product uses
/// (`LabelSelector` in Primitives).
struct LabelSelector: Sendable {
  struct Requirement: Hashable, Sendable {
    enum Condition: Hashable, Sendable {
      case isIn(Set<String>)
      case isNotIn(Set<String>)
      case exists
      case isMissing
      case isGreater(than: Int64)
      case isLess(than: Int64)
    }

    var key: String
    var condition: Condition

    func matches(_ labels: [String: String]) -> Bool {
      switch condition {
      case .isIn(let values): labels[key].map(values.contains) ?? false
      case .isNotIn(let values): labels[key].map { !values.contains($0) } ?? true
      case .exists: labels[key] != nil
      case .isMissing: labels[key] == nil
      case .isGreater(let number): labels[key].flatMap { Int64($0) }.map { $0 > number } ?? false
      case .isLess(let number): labels[key].flatMap { Int64($0) }.map { $0 < number } ?? false
      }
    }
  }

  var requirements: [Requirement] = []

  init() {}

  /// - Throws: `APIFailure` 400 with the malformed part.
  init(_ text: String) throws(APIFailure) {
    if text.trimmed.isEmpty { return }
    for part in Self.parts(of: text) {
      requirements.append(try Self.requirement(part, in: text))
    }
  }

  func matches(_ labels: [String: String]) -> Bool {
    requirements.allSatisfy { $0.matches(labels) }
  }

  /// Splits at the commas outside parentheses.
  private static func parts(of text: String) -> [String] {
    var parts: [String] = []
    var current = ""
    var isInside = false
    for character in text {
      if character == "(" { isInside = true }
      if character == ")" { isInside = false }
      if character == ",", !isInside {
        parts.append(current)
        current = ""
      } else {
        current.append(character)
      }
    }
    parts.append(current)
    return parts.map(\.trimmed)
  }

  private static func requirement(_ part: String, in text: String) throws(APIFailure) -> Requirement {
    if part.hasPrefix("!") {
      return Requirement(key: try key(String(part.dropFirst()), in: text), condition: .isMissing)
    }
    let name = part.prefix { !$0.isWhitespace && !"=!<>()".contains($0) }
    let key = try key(String(name), in: text)
    let rest = String(part.dropFirst(name.count)).trimmed
    if rest.isEmpty { return Requirement(key: key, condition: .exists) }
    if let operand = rest.following("!=") { return Requirement(key: key, condition: .isNotIn([try value(operand, in: text)])) }
    if let operand = rest.following("==") ?? rest.following("=") {
      return Requirement(key: key, condition: .isIn([try value(operand, in: text)]))
    }
    if let operand = rest.following(">") { return Requirement(key: key, condition: .isGreater(than: try number(operand, in: text))) }
    if let operand = rest.following("<") { return Requirement(key: key, condition: .isLess(than: try number(operand, in: text))) }
    if let list = rest.following("in") { return Requirement(key: key, condition: .isIn(try values(list, in: text))) }
    if let list = rest.following("notin") { return Requirement(key: key, condition: .isNotIn(try values(list, in: text))) }
    throw unreadable(part, in: text)
  }

  /// The values of `(a, b)`. `(a,)` has the empty value, too.
  private static func values(_ list: String, in text: String) throws(APIFailure) -> Set<String> {
    guard list.hasPrefix("("), list.hasSuffix(")") else { throw unreadable(list, in: text) }
    var values: Set<String> = []
    for item in list.dropFirst().dropLast().split(separator: ",", omittingEmptySubsequences: false) {
      values.insert(try value(String(item).trimmed, in: text))
    }
    return values
  }

  private static func number(_ operand: String, in text: String) throws(APIFailure) -> Int64 {
    guard let number = Int64(try value(operand, in: text)) else { throw unreadable(operand, in: text) }
    return number
  }

  private static func key(_ key: String, in text: String) throws(APIFailure) -> String {
    guard MetadataRules.problems(inKey: key.trimmed).isEmpty else { throw unreadable(key, in: text) }
    return key.trimmed
  }

  private static func value(_ value: String, in text: String) throws(APIFailure) -> String {
    guard MetadataRules.problems(inLabelValue: value).isEmpty else { throw unreadable(value, in: text) }
    return value
  }

  private static func unreadable(_ part: String, in text: String) -> APIFailure {
    .badRequest("unable to parse requirement: \"\(part)\" in the label selector \"\(text)\"")
  }
}

extension String {
  var trimmed: String {
    var text = self[...]
    while let first = text.first, first.isWhitespace { text.removeFirst() }
    while let last = text.last, last.isWhitespace { text.removeLast() }
    return String(text)
  }

  /// The trimmed text after `prefix`; `nil` if it does not start with it.
  fileprivate func following(_ prefix: String) -> String? {
    hasPrefix(prefix) ? String(dropFirst(prefix.count)).trimmed : nil
  }

  /// The trimmed texts before and after the first `separator`.
  func split(at separator: String) -> (String, String)? {
    guard let range = firstRange(of: separator) else { return nil }
    return (String(self[..<range.lowerBound]).trimmed, String(self[range.upperBound...]).trimmed)
  }
}
