/// A label selector: `a=b, c!=d, e in (f, g), h notin (i), j, !k`. Source: k8s.io/apimachinery/pkg/labels.
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
    }

    var key: String
    var condition: Condition

    func matches(_ labels: [String: String]) -> Bool {
      switch condition {
      case .isIn(let values): labels[key].map(values.contains) ?? false
      case .isNotIn(let values): labels[key].map { !values.contains($0) } ?? true
      case .exists: labels[key] != nil
      case .isMissing: labels[key] == nil
      }
    }
  }

  var requirements: [Requirement] = []

  init() {}

  /// - Throws: `APIFailure` 400 with the malformed part.
  init(_ text: String) throws(APIFailure) {
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
    return parts.map(\.trimmed).filter { !$0.isEmpty }
  }

  private static func requirement(_ part: String, in text: String) throws(APIFailure) -> Requirement {
    if part.hasPrefix("!") {
      return Requirement(key: try key(String(part.dropFirst()), in: text), condition: .isMissing)
    }
    if let open = part.firstIndex(of: "("), part.hasSuffix(")") {
      let words = part[..<open].split(separator: " ")
      let values = Set(
        part[part.index(after: open)...].dropLast().split(separator: ",", omittingEmptySubsequences: false).map { String($0).trimmed })
      guard words.count == 2 else { throw unreadable(part, in: text) }
      switch words[1] {
      case "in": return Requirement(key: try key(String(words[0]), in: text), condition: .isIn(values))
      case "notin": return Requirement(key: try key(String(words[0]), in: text), condition: .isNotIn(values))
      default: throw unreadable(part, in: text)
      }
    }
    if let pair = part.split(at: "!=") {
      return Requirement(key: try key(pair.0, in: text), condition: .isNotIn([try value(pair.1, in: text)]))
    }
    if let pair = part.split(at: "==") ?? part.split(at: "=") {
      return Requirement(key: try key(pair.0, in: text), condition: .isIn([try value(pair.1, in: text)]))
    }
    return Requirement(key: try key(part, in: text), condition: .exists)
  }

  private static func key(_ key: String, in text: String) throws(APIFailure) -> String {
    guard MetadataRules.problemInKey(key.trimmed) == nil else { throw unreadable(key, in: text) }
    return key.trimmed
  }

  private static func value(_ value: String, in text: String) throws(APIFailure) -> String {
    guard MetadataRules.problemInLabelValue(value) == nil else { throw unreadable(value, in: text) }
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

  /// The trimmed texts before and after the first `separator`.
  func split(at separator: String) -> (String, String)? {
    guard let range = firstRange(of: separator) else { return nil }
    return (String(self[..<range.lowerBound]).trimmed, String(self[range.upperBound...]).trimmed)
  }
}
