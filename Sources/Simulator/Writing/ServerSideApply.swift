import JSON

/// One application of a configuration by a manager: pure, from the live object and the configuration to the new object.
struct ServerSideApply: Sendable {
  var manager: ManagedFields.Manager
  var force: Bool
  var schema: FieldSchema
  /// The time to write beside changed ownership.
  var now: String

  /// The new object with its `managedFields`; `live` is `nil` where there is none yet.
  /// - Throws: `APIFailure` 409 with one cause for each field that another manager owns and has at another value.
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
    // The object itself, its name and its kind stay, whatever was owned.
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
