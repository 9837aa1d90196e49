import JSON

/// One server-side apply by a field manager: a pure function of the live object and the applied configuration.
struct ServerSideApply: Sendable {
  var manager: ManagedFields.Manager
  var force: Bool
  var schema: FieldSchema
  /// The time of changed entries in `managedFields`.
  var now: String

  /// - Parameter live: the present object; `nil` to create it.
  /// - Returns: the new object with its `managedFields`.
  /// - Throws: `APIFailure` 409 with a cause for each field that another manager owns with a different value.
  func applying(_ configuration: JSONValue, to live: JSONValue?) throws(APIFailure) -> JSONValue {
    let applied = FieldSet.named(in: configuration, schema: schema).manageable
    var managers = ManagedFields(of: live ?? [:])
    let before = live ?? [:]
    let merged = ApplyMerge.merged(before, configuration, schema: schema)

    let changes = FieldChanges(from: before, to: merged, schema: schema).changed.manageable
    let conflicts = managers.owned(changes, besides: manager)
    if !conflicts.isEmpty, !force { throw Self.failure(conflicts) }
    managers.release(changes, besides: manager)

    let last = managers.entries[manager]?.fields ?? FieldSet()
    var kept = managers.fields(besides: manager)
    kept.formUnion(applied)
    // The object itself always stays.
    let after = ApplyMerge.pruned(merged, removed: last.subtracting(kept), kept: kept, schema: schema) ?? merged

    let removed = FieldChanges(from: before, to: after, schema: schema).removed
    managers.release(removed, besides: manager)
    managers.set(applied, for: manager, now: now)
    var result = after
    result.setMetadata("managedFields", managers.json)
    return result
  }

  /// The texts are those of k8s.io/apimachinery/pkg/util/managedfields.
  private static func failure(_ conflicts: [(manager: ManagedFields.Manager, fields: FieldSet)]) -> APIFailure {
    let count = conflicts.reduce(0) { $0 + $1.fields.paths.count }
    var lines: [String] = []
    var causes: [JSONValue] = []
    for (manager, fields) in conflicts {
      let who = description(of: manager)
      for path in fields.paths {
        causes.append(["reason": "FieldManagerConflict", "message": .string("conflict with \(who)"), "field": .string(path)])
      }
      lines.append(
        count == 1
          ? "conflict with \(who): \(fields.paths[0])"
          : (["conflicts with \(who):"] + fields.paths.map { "- \($0)" }).joined(separator: "\n"))
    }
    return APIFailure(
      code: 409, reason: "Conflict",
      message: "Apply failed with \(count) conflict\(count == 1 ? "" : "s"): \(lines.joined(separator: "\n"))",
      details: ["causes": .array(causes)])
  }

  private static func description(of manager: ManagedFields.Manager) -> String {
    var text = "\"\(manager.name)\""
    if !manager.subresource.isEmpty { text += " with subresource \"\(manager.subresource)\"" }
    if manager.operation == .update { text += " using \(manager.apiVersion)" }
    return text
  }
}

/// The merge of server-side apply: fields of the applied configuration win, fields that its manager no longer applies are removed.
/// Source: structured-merge-diff, typed/merge.go and merge/update.go.
enum ApplyMerge {
  /// Merges the configuration into the live value.
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

  /// Removes the fields in `removed` except those in `kept` and their parents.
  /// - Returns: `nil` if nothing is left.
  static func pruned(_ value: JSONValue, removed: FieldSet, kept: FieldSet?, schema: FieldSchema) -> JSONValue? {
    if kept == nil, removed.isMember { return nil }
    if removed.children.isEmpty { return value }
    switch value {
    case .object(let members):
      var left: JSONObject = [:]
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
