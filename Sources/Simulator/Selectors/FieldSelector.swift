import JSON

/// The objects of a list or a watch.
struct Selector: Sendable {
  var namespace = ""
  var labels = LabelSelector()
  var fields = FieldSelector()

  /// Whether there are label or field requirements.
  var isFiltering: Bool { !labels.requirements.isEmpty || !fields.requirements.isEmpty }

  func matches(_ object: StoredObject) -> Bool {
    (namespace.isEmpty || object.namespace == namespace)
      && (labels.requirements.isEmpty || labels.matches(object.labels)) && fields.matches(object)
  }
}

/// A field selector: `metadata.name=a,status.phase!=Succeeded`. Source: k8s.io/apimachinery/pkg/fields.
struct FieldSelector: Sendable {
  struct Requirement: Sendable {
    enum Field: Sendable {
      case name, namespace
      /// An index into `ResourceKind.selectableFields`.
      case selectable(Int)
    }

    var field: Field
    var value: String
    var isEqual: Bool

    func matches(_ object: StoredObject) -> Bool {
      let actual =
        switch field {
        case .name: object.name
        case .namespace: object.namespace
        case .selectable(let index): object.selectable[index]
        }
      return (actual == value) == isEqual
    }
  }

  var requirements: [Requirement] = []

  init() {}

  /// - Throws: `APIFailure` 400 for a malformed selector or an unsupported field.
  init(_ text: String, kind: ResourceKind) throws(APIFailure) {
    for term in Self.terms(of: text) where !term.isEmpty {
      guard let (name, value, isEqual) = Self.comparison(term), let value = Self.unescaped(value) else {
        throw .badRequest("invalid selector: '\(text)'; can't understand '\(term)'")
      }
      requirements.append(Requirement(field: try Self.field(name, kind: kind), value: value, isEqual: isEqual))
    }
  }

  func matches(_ object: StoredObject) -> Bool {
    requirements.allSatisfy { $0.matches(object) }
  }

  /// Splits at the commas without a backslash before them.
  private static func terms(of text: String) -> [Substring] {
    var isEscaped = false
    return text.split(omittingEmptySubsequences: false) { character in
      defer { isEscaped = character == "\\" && !isEscaped }
      return character == "," && !isEscaped
    }
  }

  /// Splits at the first operator. White space belongs to the name and the value.
  private static func comparison(_ term: Substring) -> (name: String, value: Substring, isEqual: Bool)? {
    guard let start = term.indices.first(where: { term[$0] == "=" || term[$0...].hasPrefix("!=") }) else { return nil }
    let length = term[start...].hasPrefix("!=") || term[start...].hasPrefix("==") ? 2 : 1
    return (String(term[..<start]), term[start...].dropFirst(length), term[start] == "=")
  }

  /// A backslash stands before each `\`, `,` and `=` of a value, and nowhere else; `nil` if it does not.
  private static func unescaped(_ value: Substring) -> String? {
    var text = ""
    var isEscaped = false
    for character in value {
      let isSpecial = "\\,=".contains(character)
      if isEscaped, !isSpecial { return nil }
      if !isEscaped, isSpecial {
        guard character == "\\" else { return nil }
        isEscaped = true
      } else {
        text.append(character)
        isEscaped = false
      }
    }
    return isEscaped ? nil : text
  }

  private static func field(_ name: String, kind: ResourceKind) throws(APIFailure) -> Requirement.Field {
    if name == "metadata.name" { return .name }
    if name == "metadata.namespace" { return .namespace }
    guard let index = kind.selectableFields.firstIndex(where: { $0.name == name }) else {
      throw .badRequest("field label not supported: \(name)")
    }
    return .selectable(index)
  }
}
