import JSON

/// The writes that make objects as they should be. Pure: it is computed from what there is and what there should be.
struct ChangePlan {
  var apply: [JSONValue] = []
  var delete: [ObjectIdentity] = []

  /// - Parameter settled: whether an object is as good as we can make it, though the server shows it otherwise.
  init(live: [JSONValue], desired: [JSONValue], isSettled: (_ live: JSONValue, _ desired: JSONValue) -> Bool) {
    var rest: [ObjectName: JSONValue] = [:]
    for object in live { rest[ObjectName(object)] = object }
    for object in desired {
      let current = rest.removeValue(forKey: ObjectName(object))
      if let current, isAsDesired(live: current, desired: object, fieldManager: ObjectNames.fieldManager) || isSettled(current, object) {
        continue
      }
      apply.append(object)
    }
    delete = rest.sorted { $0.key < $1.key }.map { ObjectIdentity(name: $0.key, uid: $0.value["metadata"]?["uid"]?.string) }
  }
}

/// What an object is called among all of our namespace.
struct ObjectName: Hashable, Comparable, CustomStringConvertible {
  var kind: String
  var name: String

  init(_ object: JSONValue) {
    kind = object["kind"]?.string ?? ""
    name = object["metadata"]?["name"]?.string ?? ""
  }

  static func < (left: ObjectName, right: ObjectName) -> Bool { (left.kind, left.name) < (right.kind, right.name) }

  var description: String { "\(kind) \(name)" }
}

/// One object, and not another that was made anew under its name.
struct ObjectIdentity: Hashable {
  var name: ObjectName
  var uid: String?
}
