import JSON

/// A decoded patch.
enum Patch: Sendable {
  case json(JSONValue)
  case merge(JSONValue)
  case strategic(JSONValue)

  func patched(_ object: JSONValue, kind: ResourceKind) throws(APIFailure) -> JSONValue {
    switch self {
    case .json(let patch): try JSONPatch.patched(object, patch)
    case .merge(let patch): MergePatch.patched(object, patch)
    case .strategic(let patch): try StrategicMergePatch.patched(object, patch, schema: kind.schema)
    }
  }
}

/// JSON merge patch (RFC 7386).
enum MergePatch {
  static func patched(_ target: JSONValue, _ patch: JSONValue) -> JSONValue {
    guard case .object(let changes) = patch else { return patch }
    var members = target.object ?? [:]
    for (name, change) in changes {
      if change == .null {
        members.remove(name)
      } else {
        members[name] = patched(members[name] ?? [:], change)
      }
    }
    return .object(members)
  }
}
