import JSON

/// Another face of a kind that is stored elsewhere: the same objects under another group, with some members under other names.
struct KindView: Sendable {
  /// The kind that the objects are stored as.
  var stored: ResourceKind.ID
  /// What a member is called here, by what it is called in storage.
  var names: [String: String]

  /// Events as events.k8s.io has them. Source: kubernetes/pkg/apis/events/v1/conversion.go.
  static let events = KindView(
    stored: ResourceKind.ID(group: "", plural: "events"),
    names: [
      "involvedObject": "regarding", "message": "note", "reportingComponent": "reportingController", "source": "deprecatedSource",
      "firstTimestamp": "deprecatedFirstTimestamp", "lastTimestamp": "deprecatedLastTimestamp", "count": "deprecatedCount",
    ])
}

extension ResourceKind {
  /// The kind that objects of this kind are stored as: itself, but for a view.
  var storage: ResourceKind {
    guard let view else { return self }
    return ResourceTable.all.first { $0.id == view.stored } ?? self
  }

  /// An object or a patch of this kind in the form in which it is stored.
  func stored(_ object: JSONValue) -> JSONValue {
    guard let view else { return object }
    var object = Self.renamed(object, Dictionary(uniqueKeysWithValues: view.names.map { ($0.value, $0.key) }))
    if object["apiVersion"]?.string == apiVersion { object["apiVersion"] = .string(storage.apiVersion) }
    return object
  }

  /// A stored object in the form of this kind.
  func shown(_ object: JSONValue) -> JSONValue {
    view.map { Self.renamed(object, $0.names) } ?? object
  }

  private static func renamed(_ object: JSONValue, _ names: [String: String]) -> JSONValue {
    guard case .object(let members) = object else { return object }
    return .object(Dictionary(members.map { (names[$0.key] ?? $0.key, $0.value) }, uniquingKeysWith: { first, _ in first }))
  }
}
