import JSON

/// Whether an object as it is has all that we want of it, and nothing more that is ours. Fields of others, and what the server filled
/// in, are not looked at: an object that is as it should be costs no write (R34).
func isAsDesired(live: JSONValue, desired: JSONValue, fieldManager: String) -> Bool {
  covers(live, desired) && !ownsMore(live: live, desired: desired, fieldManager: fieldManager)
}

/// Whether every field of `desired` is in `live` with the same value. Arrays have to be of one length and order: those that we write are
/// atomic, or nobody else adds to them.
private func covers(_ live: JSONValue, _ desired: JSONValue) -> Bool {
  switch (live, desired) {
  case (.object(let live), .object(let desired)):
    desired.allSatisfy { name, value in live[name].map { covers($0, value) } ?? false }
  case (.array(let live), .array(let desired)):
    live.count == desired.count && zip(live, desired).allSatisfy { covers($0, $1) }
  default: live == desired
  }
}

/// Whether the server has fields down as ours which we no longer want: such as a label that was taken out of the settings. The next apply
/// removes them.
private func ownsMore(live: JSONValue, desired: JSONValue, fieldManager: String) -> Bool {
  let entries = live["metadata"]?["managedFields"]?.array ?? []
  return entries.contains { entry in
    entry["manager"]?.string == fieldManager && entry["operation"]?.string == "Apply"
      && entry["fieldsV1"].map { hasMore($0, than: desired) } ?? false
  }
}

/// Walks a set of fields beside the object. Members are named `f:name`; elements of lists begin with another letter, and are covered
/// by the comparison of the lists themselves.
///
/// Format: https://kubernetes.io/docs/reference/using-api/server-side-apply/ and `FieldsV1` in k8s.io/apimachinery.
private func hasMore(_ fields: JSONValue, than desired: JSONValue) -> Bool {
  guard let members = fields.object else { return false }
  return members.contains { key, inner in
    guard key.hasPrefix("f:") else { return false }
    guard let value = desired[String(key.dropFirst(2))] else { return true }
    return hasMore(inner, than: value)
  }
}
