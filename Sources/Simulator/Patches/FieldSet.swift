import JSON

/// One element of a path in managed fields.
enum PathElement: Hashable, Sendable {
  case field(String)
  /// An element of a list, identified by these members.
  case key(JSONObject)
  /// A scalar in a set.
  case value(JSONValue)

  /// The key in `fieldsV1`: `f:spec`, `k:{"name":"a"}`, `v:"a"`. Source: structured-merge-diff, fieldpath/serialize-pe.go.
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

  /// The text in the message of a conflict.
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

/// A set of fields of an object, as a tree: the fields that a manager owns, or that a write has changed.
struct FieldSet: Hashable, Sendable {
  /// Whether the value at this node itself is in the set.
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

  /// Removes the field at this path and everything below it.
  mutating func remove(_ path: [String]) {
    guard let first = path.first else { return }
    if path.count == 1 {
      children[.field(first)] = nil
    } else if var child = children[.field(first)] {
      child.remove(Array(path.dropFirst()))
      children[.field(first)] = child.isEmpty ? nil : child
    }
  }

  /// The paths of the members, sorted.
  var paths: [String] {
    var paths = isMember ? [""] : []
    for (element, child) in children { paths += child.paths.map { element.description + $0 } }
    return paths.sorted()
  }

  /// The set as `fieldsV1`.
  var json: JSONValue {
    var members: JSONObject = [:]
    if isMember, !children.isEmpty { members["."] = [:] }
    for (element, child) in children { members[element.serialized] = child.json }
    return .object(members)
  }

  /// Parses `fieldsV1`, ignoring malformed keys.
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

extension FieldSchema {
  /// The path element of each element of an associative list or a set; `nil` for an atomic list, or if an element has no key.
  func elements(of list: [JSONValue]) -> [(path: PathElement, value: JSONValue)]? {
    switch self {
    case .map(let keys, _, _):
      var elements: [(path: PathElement, value: JSONValue)] = []
      for value in list {
        var members: JSONObject = [:]
        for key in keys { members[key.name] = value[key.name] ?? key.defaultValue.map { .string($0) } }
        if members.isEmpty { return nil }
        elements.append((.key(members), value))
      }
      return elements
    case .set:
      return list.map { (.value($0), $0) }
    case .object, .atomic:
      return nil
    }
  }

  /// The schema of the elements of this list.
  var element: FieldSchema {
    if case .map(_, _, let element) = self { return element }
    return .atomic
  }
}

extension FieldSet {
  /// The fields of a configuration. Source: structured-merge-diff, typed/tofieldset.go.
  static func named(in value: JSONValue, schema: FieldSchema) -> FieldSet {
    if schema.isAtomic { return .leaf }
    switch value {
    case .object(let members):
      if members.isEmpty { return .leaf }
      var set = FieldSet()
      for (name, member) in members { set.insert(named(in: member, schema: schema.member(name)), at: .field(name)) }
      return set
    case .array(let list):
      guard let elements = schema.elements(of: list) else { return .leaf }
      var set = FieldSet()
      for (path, element) in elements {
        var child = named(in: element, schema: schema.element)
        child.isMember = true
        set.insert(child, at: path)
      }
      return set
    default:
      return .leaf
    }
  }
}

/// The difference between two states of a value.
struct FieldChanges: Sendable {
  /// Added and changed fields.
  var changed = FieldSet()
  var removed = FieldSet()

  /// Source: structured-merge-diff, typed/compare.go.
  init(from old: JSONValue?, to new: JSONValue?, schema: FieldSchema) {
    switch (old, new) {
    case (let old?, let new?):
      compare(old, new, schema)
    case (nil, let new?):
      changed = .named(in: new, schema: schema)
      changed.isMember = true
    case (let old?, nil):
      removed = .named(in: old, schema: schema)
      removed.isMember = true
    case (nil, nil):
      break
    }
  }

  private mutating func compare(_ old: JSONValue, _ new: JSONValue, _ schema: FieldSchema) {
    if old == new { return }
    if !schema.isAtomic {
      if case .object(let before) = old, case .object(let after) = new {
        for name in Set(before.keys).union(after.keys) {
          add(FieldChanges(from: before[name], to: after[name], schema: schema.member(name)), at: .field(name))
        }
        return
      }
      if case .array(let before) = old, case .array(let after) = new,
        let oldElements = schema.elements(of: before), let newElements = schema.elements(of: after)
      {
        let beforeByPath = Dictionary(oldElements.map { ($0.path, $0.value) }, uniquingKeysWith: { first, _ in first })
        let afterByPath = Dictionary(newElements.map { ($0.path, $0.value) }, uniquingKeysWith: { first, _ in first })
        for path in Set(beforeByPath.keys).union(afterByPath.keys) {
          add(FieldChanges(from: beforeByPath[path], to: afterByPath[path], schema: schema.element), at: path)
        }
        return
      }
    }
    changed.isMember = true
  }

  private mutating func add(_ child: FieldChanges, at element: PathElement) {
    changed.insert(child.changed, at: element)
    removed.insert(child.removed, at: element)
  }
}
