import JSON

// The metadata of every object.
extension JSONValue {
  var name: String { self["metadata"]?["name"]?.string ?? "" }
  var namespace: String { self["metadata"]?["namespace"]?.string ?? "" }
  var uid: String { self["metadata"]?["uid"]?.string ?? "" }
  var resourceVersion: String { self["metadata"]?["resourceVersion"]?.string ?? "" }
  var finalizers: [JSONValue] { self["metadata"]?["finalizers"]?.array ?? [] }

  var labels: [String: String] { (self["metadata"]?["labels"]?.object ?? [:]).compactMapValues(\.string) }

  /// Sets a member of the metadata, or removes it with `nil`.
  mutating func setMetadata(_ member: String, _ value: JSONValue?) {
    var metadata = self["metadata"] ?? [:]
    metadata[member] = value
    self["metadata"] = metadata
  }

  /// The value without null members, as a typed server reads it.
  var withoutNulls: JSONValue {
    switch self {
    case .object(let members): .object(members.filter { $0.value != .null }.mapValues(\.withoutNulls))
    case .array(let elements): .array(elements.map(\.withoutNulls))
    default: self
    }
  }

  var isEmptyContainer: Bool {
    switch self {
    case .object(let members): members.isEmpty
    case .array(let elements): elements.isEmpty
    default: false
    }
  }
}
