import JSON

/// JSON merge patch (RFC 7386).
enum MergePatch {
  static func patched(_ target: JSONValue, _ patch: JSONValue) -> JSONValue {
    guard case .object(let changes) = patch else { return patch }
    var members = target.object ?? [:]
    for (name, change) in changes {
      members[name] = change == .null ? nil : patched(members[name] ?? [:], change)
    }
    return .object(members)
  }
}
