/// A field selector in its text form: `metadata.name=a,status.phase!=Succeeded`. Source: k8s.io/apimachinery/pkg/fields.
struct FieldSelector: Sendable {
  struct Requirement: Sendable {
    enum Place: Sendable {
      case name, namespace
      /// The kind's selectable field at this place.
      case field(Int)
    }

    var place: Place
    var value: String
    var isEqual: Bool

    func matches(_ object: StoredObject) -> Bool {
      let actual =
        switch place {
        case .name: object.name
        case .namespace: object.namespace
        case .field(let index): object.selectable[index]
        }
      return (actual == value) == isEqual
    }
  }

  var requirements: [Requirement] = []

  init() {}

  /// - Throws: `APIFailure` 400 for a field that the kind does not offer.
  init(_ text: String, kind: ResourceKind) throws(APIFailure) {
    for part in text.split(separator: ",").map({ String($0).trimmed }) where !part.isEmpty {
      guard let (name, value, isEqual) = Self.comparison(part) else {
        throw .badRequest("invalid selector: '\(text)'; can't understand '\(part)'")
      }
      requirements.append(Requirement(place: try Self.place(name, kind: kind), value: value, isEqual: isEqual))
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

  /// Values escape `\`, `,` and `=` by a backslash.
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

  private static func place(_ name: String, kind: ResourceKind) throws(APIFailure) -> Requirement.Place {
    if name == "metadata.name" { return .name }
    if name == "metadata.namespace" { return .namespace }
    guard let index = kind.selectableFields.firstIndex(where: { $0.name == name }) else {
      throw .badRequest("field label not supported: \(name)")
    }
    return .field(index)
  }
}
