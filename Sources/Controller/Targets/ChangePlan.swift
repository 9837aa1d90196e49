import JSON

/// The writes that make objects as they should be. Pure: it is computed from what is known and what there should be. JSON is made only of
/// what is not known to be so already: 50 EndpointSlices of 100 endpoints are 60 ms of it, and mostly none has changed.
struct ChangePlan {
  var apply: [(object: DesiredObject, json: JSONValue)] = []
  var delete: [ObjectIdentity] = []
  /// Those that were found to be as they should be.
  var settled: [DesiredObject] = []

  init(known: [ObjectName: KnownObject], desired: [DesiredObject], json: (DesiredObject) -> JSONValue) {
    var wanted: Set<ObjectName> = []
    for object in desired {
      let name = object.name
      wanted.insert(name)
      let current = known[name]
      if current?.settled == object { continue }
      let json = json(object)
      if let live = current?.live, isAsDesired(live: live, desired: json, fieldManager: ObjectNames.fieldManager) {
        settled.append(object)
      } else {
        apply.append((object, json))
      }
    }
    delete = known.filter { !wanted.contains($0.key) }.sorted { $0.key < $1.key }.map { ObjectIdentity(name: $0.key, uid: $0.value.uid) }
  }
}

/// What an object is called among all of our namespace.
package struct ObjectName: Hashable, Comparable, Sendable, CustomStringConvertible {
  static let sliceKind = "EndpointSlice"

  var kind: String
  var name: String

  init(kind: String, name: String) {
    self.kind = kind
    self.name = name
  }

  init(_ object: JSONValue) {
    self.init(kind: object["kind"]?.string ?? "", name: object["metadata"]?["name"]?.string ?? "")
  }

  package static func < (left: ObjectName, right: ObjectName) -> Bool { (left.kind, left.name) < (right.kind, right.name) }

  package var description: String { "\(kind) \(name)" }
}

/// One object, and not another that was made anew under its name.
struct ObjectIdentity: Hashable {
  var name: ObjectName
  var uid: String?
}

/// What is remembered of an object on the server. Its JSON is kept only until it is known to be as it should be: with 5,000 endpoints the
/// EndpointSlices would be several megabytes.
struct KnownObject {
  var uid: String?
  var version: JSONValue?
  /// As it was read.
  var live: JSONValue?
  /// For an EndpointSlice, what is in it.
  var slice: LiveSlice?
  /// What it says, or was applied to say, at this version. A server that drops a field (a CRD older than it) shows the object other
  /// than we want it for ever; applied once, it is left alone until one of the two changes.
  var settled: DesiredObject?

  init(read object: JSONValue) {
    uid = object["metadata"]?["uid"]?.string
    version = object["metadata"]?["resourceVersion"]
    live = object
    if ObjectName(object).kind == ObjectName.sliceKind { slice = LiveSlice(object) }
  }

  init(applied desired: DesiredObject, result: JSONValue) {
    uid = result["metadata"]?["uid"]?.string
    version = result["metadata"]?["resourceVersion"]
    settle(on: desired)
  }

  mutating func settle(on desired: DesiredObject) {
    settled = desired
    live = nil
    if case .slice(let content) = desired { slice = LiveSlice(content) }
  }

  /// Whether this is what was known of the object that was now read again.
  func isOf(_ other: KnownObject) -> Bool { uid == other.uid && version == other.version }
}

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
