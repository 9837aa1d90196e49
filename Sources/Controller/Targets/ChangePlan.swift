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
