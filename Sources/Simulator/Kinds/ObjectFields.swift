import JSON

// The members that every object has, by the words of the code.
extension JSONValue {
  var name: String { self["metadata"]?["name"]?.string ?? "" }
  var namespace: String { self["metadata"]?["namespace"]?.string ?? "" }
  var uid: String { self["metadata"]?["uid"]?.string ?? "" }
  var resourceVersion: String { self["metadata"]?["resourceVersion"]?.string ?? "" }
  var finalizers: [JSONValue] { self["metadata"]?["finalizers"]?.array ?? [] }

  /// The labels, or nothing where there are none.
  var labels: [String: String] { (self["metadata"]?["labels"]?.object ?? [:]).compactMapValues(\.string) }

  /// Sets or, with `nil`, removes a member of the metadata.
  mutating func setMetadata(_ member: String, _ value: JSONValue?) {
    var metadata = self["metadata"] ?? [:]
    metadata[member] = value
    self["metadata"] = metadata
  }

  /// The value without members that are null, which is how a typed server reads them.
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
