import JSON

/// One step from a value to a part of it, as managed fields name it.
enum PathElement: Hashable, Sendable {
  case field(String)
  /// An element of a list, told apart by these members.
  case key([String: JSONValue])
  /// A scalar in a set.
  case value(JSONValue)

  /// As in `fieldsV1`: `f:spec`, `k:{"name":"a"}`, `v:"a"`. Source: structured-merge-diff, fieldpath/serialize-pe.go.
  var serialized: String {
    switch self {
    case .field(let name): "f:" + name
    case .key(let members): "k:" + String(decoding: JSONValue.object(members).bytes, as: UTF8.self)
    case .value(let value): "v:" + String(decoding: value.bytes, as: UTF8.self)
    }
  }

  init?(serialized text: String) {
    let rest = text.dropFirst(2)
    switch text.prefix(2) {
    case "f:": self = .field(String(rest))
    case "k:":
      guard case .object(let members)? = try? JSONValue(parsing: Array(rest.utf8)) else { return nil }
      self = .key(members)
    case "v:":
      guard let value = try? JSONValue(parsing: Array(rest.utf8)) else { return nil }
      self = .value(value)
    default: return nil
    }
  }

  /// As in the message of a conflict.
  var description: String {
    switch self {
    case .field(let name): "." + name
    case .key(let members):
      "["
        + members.sorted { $0.key < $1.key }
        .map { "\($0.key)=" + String(decoding: $0.value.bytes, as: UTF8.self) }.joined(separator: ",") + "]"
    case .value(let value): "[=" + String(decoding: value.bytes, as: UTF8.self) + "]"
    }
  }
}

/// A set of fields of an object, as a tree: what a manager owns, or what a write has changed.
struct FieldSet: Hashable, Sendable {
  /// Whether the value at this place itself is in the set.
  var isMember = false
  var children: [PathElement: FieldSet] = [:]

  static let leaf = FieldSet(isMember: true)

  var isEmpty: Bool { !isMember && children.isEmpty }

  subscript(field name: String) -> FieldSet? { children[.field(name)] }

  mutating func insert(_ child: FieldSet, at element: PathElement) {
    if child.isEmpty { return }
    children[element, default: FieldSet()].formUnion(child)
  }

  mutating func formUnion(_ other: FieldSet) {
    isMember = isMember || other.isMember
    for (element, child) in other.children { children[element, default: FieldSet()].formUnion(child) }
  }

  func subtracting(_ other: FieldSet) -> FieldSet {
    combined(with: other) { $0 && !$1 }
  }

  func intersection(_ other: FieldSet) -> FieldSet {
    combined(with: other) { $0 && $1 }
  }

  private func combined(with other: FieldSet, _ keeps: (Bool, Bool) -> Bool) -> FieldSet {
    var result = FieldSet(isMember: keeps(isMember, other.isMember))
    for (element, child) in children {
      let combined = child.combined(with: other.children[element] ?? FieldSet(), keeps)
      if !combined.isEmpty { result.children[element] = combined }
    }
    return result
  }

  /// The set without what is below or at this path of fields.
  mutating func remove(_ path: [String]) {
    guard let first = path.first else { return }
    if path.count == 1 {
      children[.field(first)] = nil
    } else if var child = children[.field(first)] {
      child.remove(Array(path.dropFirst()))
      children[.field(first)] = child.isEmpty ? nil : child
    }
  }

  /// The members' paths, in order.
  var paths: [String] {
    var paths = isMember ? [""] : []
    for (element, child) in children { paths += child.paths.map { element.description + $0 } }
    return paths.sorted()
  }

  /// As `fieldsV1`.
  var json: JSONValue {
    var members: [String: JSONValue] = [:]
    if isMember, !children.isEmpty { members["."] = [:] }
    for (element, child) in children { members[element.serialized] = child.json }
    return .object(members)
  }

  /// The set that a `fieldsV1` stands for; what cannot be read is left out.
  init(json: JSONValue) {
    let members = json.object ?? [:]
    isMember = members.isEmpty || members["."] != nil
    for (name, child) in members {
      guard let element = PathElement(serialized: name) else { continue }
      children[element] = FieldSet(json: child)
    }
  }

  init(isMember: Bool = false) {
    self.isMember = isMember
  }
}
