internal import CRE2

/// A regular expression of a relabel rule, compiled as Prometheus compiles it: by RE2, the model of Go's engine, and anchored at both ends.
final class RelabelRegex: @unchecked Sendable {
  // Sendable because RE2 objects may be used by several threads at once.

  /// Matched subgroups as offsets in UTF-8, by number; group 0 is the whole match.
  typealias Match = [Range<Int>?]

  /// For the program and the automata of one expression. RE2's own default.
  private static let memory = 8 << 20

  private let handle: OpaquePointer
  private let groupCount: Int32

  /// - Throws: RE2's message, if the expression is invalid or too large.
  init(_ pattern: String, dialect: RelabelDialect) throws(RelabelRegexError) {
    // Source of the anchors: NewRegexp in Prometheus's model/relabel/relabel.go.
    var anchored = (dialect.dotMatchesNewline ? "^(?s:" : "^(?:") + Self.withPythonNames(pattern) + ")$"
    var message = [CChar](repeating: 0, count: 200)
    let made = anchored.withUTF8 { text in
      text.withMemoryRebound(to: CChar.self) { rollcall_regex_make($0.baseAddress, $0.count, Self.memory, &message, message.count) }
    }
    guard let made else {
      throw RelabelRegexError(message: String(decoding: message.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self))
    }
    handle = made
    groupCount = rollcall_regex_groups(made) + 1
  }

  deinit { rollcall_regex_free(handle) }

  func matches(_ text: String) -> Bool { bounds(in: text, groups: 0) != nil }

  func match(_ text: String) -> Match? {
    bounds(in: text, groups: groupCount).map { bounds in
      stride(from: 0, to: bounds.count, by: 2).map { bounds[$0] < 0 ? nil : bounds[$0]..<bounds[$0 + 1] }
    }
  }

  private func bounds(in text: String, groups: Int32) -> [Int]? {
    var text = text
    var bounds = [Int](repeating: -1, count: 2 * Int(groups))
    let found = text.withUTF8 { text in
      text.withMemoryRebound(to: CChar.self) { rollcall_regex_match(handle, $0.baseAddress, $0.count, &bounds, groups) }
    }
    return found == 0 ? nil : bounds
  }

  /// The number of a named group.
  private func group(named name: Substring) -> Int? {
    var name = String(name)
    let number = name.withUTF8 { name in
      name.withMemoryRebound(to: CChar.self) { rollcall_regex_group(handle, $0.baseAddress, $0.count) }
    }
    return number < 0 ? nil : Int(number)
  }

  /// Replaces `(?<name>` by `(?P<name>`, the only form that RE2 knew before 2023. Go has both since 1.22.
  private static func withPythonNames(_ pattern: String) -> String {
    guard pattern.contains("(?<") else { return pattern }
    var result = ""
    var rest = pattern[...]
    var isInClass = false
    while let character = rest.unicodeScalars.first {
      if rest.hasPrefix("\\Q") {
        let end = rest.firstRange(of: "\\E")?.upperBound ?? rest.endIndex
        result += rest[..<end]
        rest = rest[end...]
        continue
      }
      if character == "\\" {
        let escaped = rest.unicodeScalars.prefix(2)
        result.unicodeScalars += escaped
        rest = Substring(rest.unicodeScalars.dropFirst(2))
        continue
      }
      if !isInClass, rest.hasPrefix("(?<") {
        result += "(?P<"
        rest = rest.dropFirst(3)
        continue
      }
      if character == "[" { isInClass = true } else if character == "]" { isInClass = false }
      result.unicodeScalars.append(character)
      rest = Substring(rest.unicodeScalars.dropFirst())
    }
    return result
  }
}

struct RelabelRegexError: Error, Hashable {
  var message: String
}

// MARK: Templates

extension RelabelRegex {
  /// Replaces `$1`, `${1}`, `$name` and `$$` in a template. A name is as long as possible, so that `$1_y` is the group `1_y`; an unknown
  /// group is empty. Source: `expand` and `extract` in Go's regexp package.
  func expand(_ template: String, _ match: Match, in text: String) -> String {
    var result = ""
    var rest = template.unicodeScalars[...]
    while let dollar = rest.firstIndex(of: "$") {
      result.unicodeScalars += rest[..<dollar]
      rest = rest[dollar...].dropFirst()
      if rest.first == "$" {
        result += "$"
        rest = rest.dropFirst()
      } else if let (name, after) = Self.name(at: rest) {
        rest = after
        result += value(of: Substring(name), match, in: text)
      } else {
        result += "$"
      }
    }
    result.unicodeScalars += rest
    return result
  }

  private static func name(
    at rest: Substring.UnicodeScalarView
  ) -> (name: Substring.UnicodeScalarView, rest: Substring.UnicodeScalarView)? {
    let hasBrace = rest.first == "{"
    let start = hasBrace ? rest.dropFirst() : rest
    let name = start.prefix { $0 == "_" || $0.properties.generalCategory == .decimalNumber || isLetter($0) }
    guard !name.isEmpty else { return nil }
    let after = start[name.endIndex...]
    guard hasBrace else { return (name, after) }
    return after.first == "}" ? (name, after.dropFirst()) : nil
  }

  private static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
    default: false
    }
  }

  private func value(of name: Substring, _ match: Match, in text: String) -> Substring {
    // A number has no leading zeros and is below 10^9.
    let isNumber = name.utf8.allSatisfy { (0x30...0x39).contains($0) } && (name == "0" || name.first != "0") && name.utf8.count <= 9
    guard let number = isNumber ? Int(name) : group(named: name), match.indices.contains(number), let range = match[number] else {
      return ""
    }
    let bytes = text.utf8
    return text[bytes.index(bytes.startIndex, offsetBy: range.lowerBound)..<bytes.index(bytes.startIndex, offsetBy: range.upperBound)]
  }
}
