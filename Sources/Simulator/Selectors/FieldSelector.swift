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

  /// - Throws: `APIFailure` 400 for an unsupported field.
  init(_ text: String, kind: ResourceKind) throws(APIFailure) {
    for part in text.split(separator: ",").map({ String($0).trimmed }) where !part.isEmpty {
      guard let (name, value, isEqual) = Self.comparison(part) else {
        throw .badRequest("invalid selector: '\(text)'; can't understand '\(part)'")
      }
      requirements.append(Requirement(field: try Self.field(name, kind: kind), value: value, isEqual: isEqual))
    }
  }

  func matches(_ object: StoredObject) -> Bool {
    requirements.allSatisfy { $0.matches(object) }
  }

  private static func comparison(_ part: String) -> (name: String, value: String, isEqual: Bool)? {
    if let (name, value) = part.split(at: "!=") { return (name, unescaped(value), false) }
    if let (name, value) = part.split(at: "==") ?? part.split(at: "=") { return (name, unescaped(value), true) }
    return nil
  }

  /// A backslash escapes `\`, `,` and `=` in values.
  private static func unescaped(_ value: String) -> String {
    var text = ""
    var isEscaped = false
    for character in value {
      if character == "\\", !isEscaped {
        isEscaped = true
      } else {
        text.append(character)
        isEscaped = false
      }
    }
    return text
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
