import JSON

/// A field that a field selector may name.
struct SelectableField: Sendable {
  var name: String
  /// The members that lead to the value.
  var path: [String]
  /// What the real server compares with where the object does not say.
  var defaultValue = ""

  init(_ name: String, default defaultValue: String = "") {
    self.name = name
    self.path = name.split(separator: ".").map(String.init)
    self.defaultValue = defaultValue
  }

  init(_ name: String, path: String) {
    self.name = name
    self.path = path.split(separator: ".").map(String.init)
  }

  func value(in object: JSONValue) -> String {
    var value: JSONValue? = object
    for member in path { value = value?[member] }
    return switch value {
    case .string(let text): text.isEmpty ? defaultValue : text
    case .bool(let bool): bool ? "true" : "false"
    case .integer(let integer): String(integer)
    default: defaultValue
    }
  }
}
