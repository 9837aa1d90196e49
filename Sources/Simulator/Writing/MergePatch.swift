import JSON

/// JSON merge patch (RFC 7386).
enum MergePatch {
  static func patched(_ target: JSONValue, _ patch: JSONValue) -> JSONValue {
    guard case .object(let changes) = patch else { return patch }
    var members = target.object ?? [:]
    for (name, change) in changes {
      if change == .null {
        members.removeValue(forKey: name)
      } else {
        members[name] = patched(members[name] ?? [:], change)
      }
    }
    return .object(members)
  }
}
