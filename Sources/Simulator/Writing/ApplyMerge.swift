import JSON

/// The merge of server-side apply: what the applied configuration names wins, what its manager no longer names goes.
/// Source: structured-merge-diff, typed/merge.go and merge/update.go.
enum ApplyMerge {
  /// The live value with the configuration laid over it.
  static func merged(_ live: JSONValue, _ configuration: JSONValue, schema: FieldSchema) -> JSONValue {
    if schema.isAtomic { return configuration }
    switch (live, configuration) {
    case (.object(var members), .object(let applied)):
      for (name, value) in applied {
        members[name] = members[name].map { merged($0, value, schema: schema.member(name)) } ?? value
      }
      return .object(members)
    case (.array(let before), .array(let applied)):
      guard let oldElements = schema.elements(of: before), let newElements = schema.elements(of: applied) else { return configuration }
      let appliedByPath = Dictionary(newElements.map { ($0.path, $0.value) }, uniquingKeysWith: { _, last in last })
      let known = Set(oldElements.map(\.path))
      let kept = oldElements.map { path, value in
        appliedByPath[path].map { merged(value, $0, schema: schema.element) } ?? value
      }
      return .array(kept + newElements.filter { !known.contains($0.path) }.map(\.value))
    default:
      return configuration
    }
  }

  /// The value without the fields in `removed`, save those in `kept` and those which hold some of them.
  /// - Returns: `nil` if nothing is left of it.
  static func pruned(_ value: JSONValue, removed: FieldSet, kept: FieldSet?, schema: FieldSchema) -> JSONValue? {
    if kept == nil, removed.isMember { return nil }
    if removed.children.isEmpty { return value }
    switch value {
    case .object(let members):
      var left: [String: JSONValue] = [:]
      for (name, member) in members {
        let path = PathElement.field(name)
        guard let part = removed.children[path] else {
          left[name] = member
          continue
        }
        left[name] = pruned(member, removed: part, kept: kept?.children[path], schema: schema.member(name))
      }
      return left.isEmpty && !members.isEmpty && kept == nil ? Optional.none : .object(left)
    case .array(let list):
      guard let elements = schema.elements(of: list) else { return value }
      let left = elements.compactMap { path, element in
        guard let part = removed.children[path] else { return element }
        return pruned(element, removed: part, kept: kept?.children[path], schema: schema.element)
      }
      return left.isEmpty && !list.isEmpty && kept == nil ? Optional.none : .array(left)
    default:
      return value
    }
  }
}
