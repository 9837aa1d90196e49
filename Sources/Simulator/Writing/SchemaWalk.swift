import JSON

extension FieldSchema {
  /// The path element of each element of an associative list or a set; `nil` for a list that is one value, or whose elements
  /// cannot be told apart.
  func elements(of list: [JSONValue]) -> [(path: PathElement, value: JSONValue)]? {
    switch self {
    case .map(let keys, _, _):
      var elements: [(path: PathElement, value: JSONValue)] = []
      for value in list {
        var members: [String: JSONValue] = [:]
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

  /// The schema of an element of this list.
  var element: FieldSchema {
    if case .map(_, _, let element) = self { return element }
    return .atomic
  }
}

extension FieldSet {
  /// The fields that a configuration names. Source: structured-merge-diff, typed/tofieldset.go.
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

/// What is different between two states of a value.
struct FieldChanges: Sendable {
  /// Fields that are new or have another value.
  var changed = FieldSet()
  /// Fields that are gone.
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
