internal import JSON
internal import Primitives

/// The members of an object in a policy, with its path for errors.
struct PolicyFields {
  let path: String
  private let members: JSONObject

  /// - Parameter known: the members that it may have.
  init(_ value: JSONValue?, _ path: String, _ known: [String]) throws(PolicyProblem) {
    guard let value, value != .null else { throw PolicyProblem(path, "is required") }
    guard case .object(let members) = value else { throw PolicyProblem(path, "is no object") }
    if let unknown = members.keys.sorted().first(where: { !known.contains($0) }) {
      throw PolicyProblem(
        "\(path).\(unknown)", "is not known here; the fields are \(known.joined(separator: ", "))", reason: .unknownField)
    }
    self.path = path
    self.members = members
  }

  /// `nil` for null, as for a member that is not there.
  subscript(name: String) -> JSONValue? { members[name].flatMap { $0 == .null ? nil : $0 } }

  func checkNotEmpty() throws(PolicyProblem) {
    if members.allSatisfy({ $0.value == .null }) { throw PolicyProblem(path, "is empty") }
  }

  func text(_ name: String, longest: Int = 253) throws(PolicyProblem) -> String? {
    guard let value = self[name] else { return nil }
    guard let text = value.string, !text.isEmpty, text.unicodeScalars.count <= longest else {
      throw PolicyProblem("\(path).\(name)", "is no text of 1 to \(longest) characters")
    }
    return text
  }

  func integer(_ name: String, in range: ClosedRange<Int64>) throws(PolicyProblem) -> Int64? {
    guard let value = self[name] else { return nil }
    guard let number = value.integer, range.contains(number) else {
      throw PolicyProblem("\(path).\(name)", "is no whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  func duration(_ name: String, allowsZero: Bool) throws(PolicyProblem) -> Duration? {
    guard let value = self[name] else { return nil }
    let longest = CoveragePolicy.Limits.longestTime
    guard let text = value.string, Self.isTime(text), let time = Duration(text: text), time > .zero || allowsZero, time <= longest else {
      throw PolicyProblem(
        "\(path).\(name)", "is no time such as 90s, 10m or 1h30m\(allowsZero ? "" : ", more than 0s and") at most \(longest.text)")
    }
    return time
  }

  /// Whether the definition takes it: at most six digits before each unit, and none smaller than seconds.
  private static func isTime(_ text: String) -> Bool {
    text.utf8.count <= 20 && text.utf8.last.map { !isDigit($0) } == true && !text.hasSuffix("ms")
      && text.utf8.split { !isDigit($0) }.allSatisfy { $0.count <= 6 }
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

  func items(_ name: String) throws(PolicyProblem) -> [JSONValue] {
    guard let value = self[name] else { return [] }
    guard let items = value.array, !items.isEmpty else { throw PolicyProblem("\(path).\(name)", "is no list with items") }
    if items.count > CoveragePolicy.Limits.items { throw .tooMany("\(path).\(name)", items.count) }
    return items
  }

  func patterns(_ name: String) throws(PolicyProblem) -> [NamePattern] {
    var patterns: [NamePattern] = []
    for (index, item) in try items(name).enumerated() {
      let pattern = try Self.pattern(item, "\(path).\(name)[\(index)]")
      if patterns.contains(pattern) { throw .twice("\(path).\(name)[\(index)]") }
      patterns.append(pattern)
    }
    return patterns
  }

  func pattern(_ name: String) throws(PolicyProblem) -> NamePattern? {
    guard let value = self[name] else { return nil }
    return try Self.pattern(value, "\(path).\(name)")
  }

  /// The pattern of a kind, such as `Deployment`.
  func kindPattern(_ name: String) throws(PolicyProblem) -> NamePattern? {
    guard let text = try text(name, longest: CoveragePolicy.Limits.kind) else { return nil }
    let isKind = text.utf8.allSatisfy { byte in
      switch UnicodeScalar(byte) {
      case "a"..."z", "A"..."Z", "0"..."9", "*": true
      default: false
      }
    }
    guard isKind else { throw PolicyProblem("\(path).\(name)", "is no kind: letters and digits, with * for any characters") }
    return NamePattern(text)
  }

  private static func pattern(_ value: JSONValue, _ path: String) throws(PolicyProblem) -> NamePattern {
    guard let text = value.string, isPattern(text) else {
      throw PolicyProblem(path, "is no name: lower case letters, digits, - and ., with * for any characters")
    }
    return NamePattern(text)
  }

  private static func isPattern(_ text: String) -> Bool {
    (1...253).contains(text.utf8.count)
      && text.utf8.allSatisfy { byte in
        switch UnicodeScalar(byte) {
        case "a"..."z", "0"..."9", "-", ".", "*": true
        default: false
        }
      }
  }

  /// `matchLabels` and `matchExpressions`, which must all hold.
  func labelSelector(_ name: String) throws(PolicyProblem) -> LabelSelector? {
    guard let value = self[name] else { return nil }
    let fields = try PolicyFields(value, "\(path).\(name)", ["matchLabels", "matchExpressions"])
    try fields.checkNotEmpty()
    var requirements: [LabelSelector.Expression] = []
    if let labels = fields["matchLabels"] {
      guard case .object(let members) = labels, !members.isEmpty else { throw PolicyProblem("\(fields.path).matchLabels", "has no labels") }
      if members.count > CoveragePolicy.Limits.items { throw .tooMany("\(fields.path).matchLabels", members.count) }
      for (key, value) in members.sorted(by: { $0.key < $1.key }) {
        guard let text = value.string else { throw PolicyProblem("\(fields.path).matchLabels", "\(key) has no text as its value") }
        requirements.append(LabelSelector.Expression(key: key, .isIn, [text]))
      }
    }
    for (index, item) in try fields.items("matchExpressions").enumerated() {
      let expression = try PolicyFields(item, "\(fields.path).matchExpressions[\(index)]", ["key", "operator", "values"])
      guard let text = try expression.text("operator"), let known = LabelSelector.Operator(rawValue: text) else {
        throw PolicyProblem("\(expression.path).operator", "is not one of In, NotIn, Exists, DoesNotExist")
      }
      let values = expression["values"]?.array ?? []
      guard expression["values"].map({ $0.array != nil }) ?? true, values.allSatisfy({ $0.string != nil }) else {
        throw PolicyProblem("\(expression.path).values", "is no list of texts")
      }
      if values.count > CoveragePolicy.Limits.items { throw .tooMany("\(expression.path).values", values.count) }
      requirements.append(
        LabelSelector.Expression(key: try expression.text("key", longest: 317) ?? "", known, values.map { $0.string ?? "" }))
    }
    guard let selector = LabelSelector(requirements) else {
      throw PolicyProblem(
        fields.path, "is no label selector: a key or a value is none, or In or NotIn has no values, or another operator has some")
    }
    return selector
  }
}

extension PolicyProblem {
  static func twice(_ path: String) -> PolicyProblem { PolicyProblem(path, "is there twice") }

  static func tooMany(_ path: String, _ count: Int) -> PolicyProblem {
    PolicyProblem(
      path, "has \(count) items, of which \(CoveragePolicy.Limits.items) are allowed; use * in a name, labels, or several policies")
  }
}
