import JSON

/// What a structural schema of a custom resource allows: a part of OpenAPI, with rules instead of CEL.
///
/// Source: k8s.io/apiextensions-apiserver, pkg/apiserver/validation and pkg/apiserver/schema/pruning; the texts are the server's.
indirect enum ValueSchema: Sendable {
  /// Other members are dropped.
  case object([String: ValueSchema], required: [String] = [], atLeast: Int = 0, rules: [Rule] = [])
  case map(of: ValueSchema, atLeast: Int = 0, atMost: Int, rules: [Rule] = [])
  case list(of: ValueSchema, ListType = .atomic, atLeast: Int = 0, atMost: Int)
  case text(atLeast: Int = 0, atMost: Int = .max, pattern: Pattern? = nil, rules: [Rule] = [])
  case oneOf([String])
  case integer(ClosedRange<Int64> = Int64.min...Int64.max)
  case anything

  enum ListType: Sendable {
    case atomic, set
    /// Elements with different values of these members.
    case map([String])
  }

  struct Pattern: Sendable {
    var text: String
    var matches: @Sendable (String) -> Bool
  }

  /// A rule of `x-kubernetes-validations`.
  struct Rule: Sendable {
    var message: String
    var holds: @Sendable (JSONValue) -> Bool
  }
}

extension ValueSchema {
  /// The value without members that the schema does not have.
  func pruned(_ value: JSONValue) -> JSONValue {
    switch (self, value) {
    case (.object(let schemas, _, _, _), .object(let members)):
      var kept: JSONObject = [:]
      for (name, member) in members {
        if let schema = schemas[name] { kept[name] = schema.pruned(member) }
      }
      return .object(kept)
    case (.map(let schema, _, _, _), .object(let members)): return .object(members.mapValues { schema.pruned($0) })
    case (.list(let schema, _, _, _), .array(let elements)): return .array(elements.map { schema.pruned($0) })
    default: return value
    }
  }

  /// - Parameter path: of the value, such as `spec.selector`.
  func problems(in value: JSONValue, at path: String) -> [FieldProblem] {
    switch (self, value) {
    case (.object(let schemas, let required, let atLeast, let rules), .object(let members)):
      let missing = required.filter { members[$0] == nil }.map { FieldProblem(field: "\(path).\($0)", reason: .required, detail: "") }
      let wrong = members.sorted { $0.key < $1.key }.flatMap { name, member in
        schemas[name]?.problems(in: member, at: "\(path).\(name)") ?? []
      }
      return missing + wrong + Self.tooFew(members.count, atLeast, path, "properties") + Self.broken(rules, value, path)
    case (.map(let schema, let atLeast, let atMost, let rules), .object(let members)):
      let wrong = members.sorted { $0.key < $1.key }.flatMap { schema.problems(in: $1, at: "\(path).\($0)") }
      let tooMany =
        members.count > atMost
        ? [FieldProblem(field: path, reason: .tooMany, value: "\(members.count)", detail: "must have at most \(atMost) items")] : []
      return wrong + Self.tooFew(members.count, atLeast, path, "properties") + tooMany + Self.broken(rules, value, path)
    case (.list(let schema, let type, let atLeast, let atMost), .array(let elements)):
      if elements.count > atMost {
        return [FieldProblem(field: path, reason: .tooMany, value: "\(elements.count)", detail: "must have at most \(atMost) items")]
      }
      return Self.tooFew(elements.count, atLeast, path, "items")
        + elements.enumerated().flatMap { schema.problems(in: $1, at: "\(path)[\($0)]") } + type.duplicates(in: elements, at: path)
    case (.text(let atLeast, let atMost, let pattern, let rules), .string(let text)):
      let count = text.unicodeScalars.count
      if count > atMost { return [FieldProblem(field: path, reason: .tooLong, detail: "may not be more than \(atMost) bytes")] }
      if count < atLeast { return [Self.invalid(path, text, "should be at least \(atLeast) chars long")] }
      if let pattern, !pattern.matches(text) { return [Self.invalid(path, text, "should match '\(pattern.text)'")] }
      return Self.broken(rules, value, path)
    case (.oneOf(let values), .string(let text)):
      if values.contains(text) { return [] }
      let list = values.map { "\"\($0)\"" }.joined(separator: ", ")
      return [FieldProblem(field: path, reason: .notSupported, value: text, detail: "supported values: \(list)")]
    case (.integer(let range), .integer(let number)):
      if number < range.lowerBound { return [Self.invalid(path, "\(number)", "should be greater than or equal to \(range.lowerBound)")] }
      return number > range.upperBound ? [Self.invalid(path, "\(number)", "should be less than or equal to \(range.upperBound)")] : []
    case (.anything, _): return []
    default:
      return [Self.invalid(path, value.typeName, "must be of type \(typeName): \"\(value.typeName)\"")]
    }
  }

  private var typeName: String {
    switch self {
    case .object, .map: "object"
    case .list: "array"
    case .text, .oneOf: "string"
    case .integer: "integer"
    case .anything: "any"
    }
  }

  private static func invalid(_ path: String, _ value: String, _ what: String) -> FieldProblem {
    FieldProblem(field: path, reason: .invalid, value: value, detail: "\(path) in body \(what)")
  }

  private static func tooFew(_ count: Int, _ least: Int, _ path: String, _ what: String) -> [FieldProblem] {
    count < least ? [invalid(path, "\(count)", "should have at least \(least) \(what)")] : []
  }

  private static func broken(_ rules: [Rule], _ value: JSONValue, _ path: String) -> [FieldProblem] {
    rules.filter { !$0.holds(value) }.map { FieldProblem(field: path, reason: .invalid, value: value.typeName, detail: $0.message) }
  }
}

extension ValueSchema.ListType {
  fileprivate func duplicates(in elements: [JSONValue], at path: String) -> [FieldProblem] {
    let identities: [[JSONValue?]]
    switch self {
    case .atomic: return []
    case .set: identities = elements.map { [$0] }
    case .map(let keys): identities = elements.map { element in keys.map { element[$0] } }
    }
    var known: Set<[JSONValue?]> = []
    return identities.enumerated().compactMap { index, identity in
      if known.insert(identity).inserted { return nil }
      let text = String(decoding: elements[index].bytes, as: UTF8.self)
      return FieldProblem(field: "\(path)[\(index)]", reason: .duplicate, value: elements[index].string ?? text, detail: "")
    }
  }
}

extension JSONValue {
  fileprivate var typeName: String {
    switch self {
    case .null: "null"
    case .bool: "boolean"
    case .integer: "integer"
    case .number: "number"
    case .string: "string"
    case .array: "array"
    case .object: "object"
    }
  }
}
