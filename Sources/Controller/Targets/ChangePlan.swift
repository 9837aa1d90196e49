import JSON

/// The writes that bring objects to their desired state. Pure. JSON is made only of objects that are not known to be in that state: 50
/// EndpointSlices of 100 endpoints take 60 ms, and usually none has changed.
struct ChangePlan {
  var apply: [Write] = []
  var delete: [ObjectIdentity] = []
  /// Objects whose live state matches the desired one.
  var settled: [DesiredObject] = []

  /// An object to apply.
  struct Write {
    var object: DesiredObject
    var json: JSONValue
    /// The object that differs; `nil` if there is none.
    var live: JSONValue?
    /// Whether to take our fields back from those who edited them (R84). Fields that another manager has applied are left to it (R34).
    var force: Bool
  }

  init(known: [ObjectName: KnownObject], desired: [DesiredObject], json: (DesiredObject) -> JSONValue) {
    var wanted: Set<ObjectName> = []
    for object in desired {
      let name = object.name
      wanted.insert(name)
      let current = known[name]
      if current?.settled == object { continue }
      let json = json(object)
      let live = current?.live
      if let live, isAsDesired(live: live, desired: json, fieldManager: ObjectNames.fieldManager) {
        settled.append(object)
      } else {
        let force = live.map { !isApplied(in: $0, desired: json, byOtherThan: ObjectNames.fieldManager) } ?? false
        apply.append(Write(object: object, json: json, live: live, force: force))
      }
    }
    delete = known.filter { !wanted.contains($0.key) }.sorted { $0.key < $1.key }.map { ObjectIdentity(name: $0.key, uid: $0.value.uid) }
  }
}

/// An object's kind and name in the controller's namespace.
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

/// One object, as opposed to a later one of the same name.
struct ObjectIdentity: Hashable {
  var name: ObjectName
  var uid: String?
}

/// The known state of an object on the server. Its JSON is dropped once it matches the desired state: the EndpointSlices of 5,000
/// endpoints take several megabytes.
struct KnownObject {
  var uid: String?
  var version: JSONValue?
  /// The object as read; `nil` once settled.
  var live: JSONValue?
  /// The contents, if the object is an EndpointSlice.
  var slice: LiveSlice?
  /// The desired state that this version matches or was applied with.
  var settled: DesiredObject?
  /// The desired fields that the server did not store, e.g. because its CRD is older (R83).
  var missing: [String] = []

  init(read object: JSONValue) {
    uid = object["metadata"]?["uid"]?.string
    version = object["metadata"]?["resourceVersion"]
    live = object
    if ObjectName(object).kind == ObjectName.sliceKind { slice = LiveSlice(object) }
  }

  init(applied desired: DesiredObject, json: JSONValue, result: JSONValue) {
    uid = result["metadata"]?["uid"]?.string
    version = result["metadata"]?["resourceVersion"]
    missing = fields(of: json, notIn: result)
    settle(on: desired)
  }

  mutating func settle(on desired: DesiredObject) {
    settled = desired
    live = nil
    if case .slice(let content) = desired { slice = LiveSlice(content) }
  }

  /// Whether both describe the same version of the same object.
  func isOf(_ other: KnownObject) -> Bool { uid == other.uid && version == other.version }
}

/// Whether the live object has all desired fields, and no other field is ours. Ignores fields of other managers and defaults, so an
/// object in its desired state is not written (R34).
func isAsDesired(live: JSONValue, desired: JSONValue, fieldManager: String) -> Bool {
  covers(live, desired) && !ownsMore(live: live, desired: desired, fieldManager: fieldManager)
}

/// Whether `live` has every field of `desired` with the same value. Arrays must match in length and order: those that we write are atomic,
/// or have no other writer.
private func covers(_ live: JSONValue, _ desired: JSONValue) -> Bool {
  switch (live, desired) {
  case (.object(let live), .object(let desired)):
    desired.allSatisfy { name, value in live[name].map { covers($0, value) } ?? false }
  case (.array(let live), .array(let desired)):
    live.count == desired.count && zip(live, desired).allSatisfy { covers($0, $1) }
  default: live == desired
  }
}

/// The paths of the fields of `desired` that `stored` does not have with the same value, such as `spec.endpoints[0].port`.
func fields(of desired: JSONValue, notIn stored: JSONValue, at path: String = "") -> [String] {
  switch (desired, stored) {
  case (.object(let desired), .object(let stored)):
    desired.sorted { $0.key < $1.key }.flatMap { name, value in
      let path = path.isEmpty ? name : "\(path).\(name)"
      return stored[name].map { fields(of: value, notIn: $0, at: path) } ?? [path]
    }
  case (.array(let desired), .array(let stored)) where desired.count == stored.count:
    zip(desired, stored).enumerated().flatMap { index, pair in fields(of: pair.0, notIn: pair.1, at: "\(path)[\(index)]") }
  default: desired == stored ? [] : [path]
  }
}

/// Whether another manager has declared one of the desired fields by server-side apply. Those who edit an object use other operations.
private func isApplied(in live: JSONValue, desired: JSONValue, byOtherThan fieldManager: String) -> Bool {
  let entries = live["metadata"]?["managedFields"]?.array ?? []
  return entries.contains { entry in
    entry["operation"]?.string == "Apply" && entry["manager"]?.string != fieldManager
      && entry["fieldsV1"].map { hasAny($0, of: desired) } ?? false
  }
}

/// The managers that have changed desired fields by operations other than server-side apply, sorted.
func managersUpdating(_ desired: JSONValue, in live: JSONValue) -> [String] {
  let entries = live["metadata"]?["managedFields"]?.array ?? []
  let managers = entries.lazy.filter { entry in
    entry["operation"]?.string == "Update" && entry["fieldsV1"].map { hasAny($0, of: desired) } ?? false
  }
  return Set(managers.compactMap { $0["manager"]?.string }).sorted()
}

/// Whether the field set contains a field of `desired`.
private func hasAny(_ fields: JSONValue, of desired: JSONValue) -> Bool {
  guard let members = fields.object, !members.isEmpty else { return true }
  return members.contains { key, inner in
    guard key.hasPrefix("f:"), let value = desired[String(key.dropFirst(2))] else { return false }
    return hasAny(inner, of: value)
  }
}

/// Whether we own fields that are no longer desired, e.g. a label that was removed from the settings. The next apply removes them.
private func ownsMore(live: JSONValue, desired: JSONValue, fieldManager: String) -> Bool {
  let entries = live["metadata"]?["managedFields"]?.array ?? []
  return entries.contains { entry in
    entry["manager"]?.string == fieldManager && entry["operation"]?.string == "Apply"
      && entry["fieldsV1"].map { hasMore($0, than: desired) } ?? false
  }
}

/// Whether the field set contains a field that `desired` lacks. Considers members (`f:name`) only; list elements have other prefixes, and
/// `covers` compares lists as a whole.
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
