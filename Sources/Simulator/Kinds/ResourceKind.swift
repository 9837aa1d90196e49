import JSON

/// The description of one kind. `ResourceTable` has one for each; they drive discovery, storage, patches and tables.
struct ResourceKind: Sendable {
  var group: String
  var version: String
  var kind: String
  var plural: String
  var singular: String
  var shortNames: [String] = []
  var categories: [String] = []
  var isNamespaced = true
  var naming = NamePolicy.subdomain
  /// Whether the kind has a `/status` subresource; a write of the object then leaves the status unchanged.
  var hasStatus = false
  /// Whether an object may be created with a status, as kubelets do with Nodes.
  var acceptsStatusOnCreate = false
  /// Whether the kind has a `metadata.generation`.
  var countsGenerations = false
  /// A custom resource: it rejects strategic merge patches, and the items of its lists have a `kind`.
  var isCustom = false
  /// Set if the objects are stored as a different kind.
  var view: KindView?
  var schema = FieldSchema.object([:])
  /// The protobuf message; `nil` if the kind is only served as JSON.
  var message: ProtobufMessage?
  var columns: [TableColumn] = TableColumn.nameAndAge
  /// The fields of field selectors besides `metadata.name` and `metadata.namespace`.
  var selectableFields: [SelectableField] = []
  /// Applies the real server's defaults.
  var applyDefaults: @Sendable (_ object: inout JSONValue, _ rules: ServerRules) -> Void = { _, _ in }
  /// Validates an object; `old` is the object that it replaces.
  var validate: @Sendable (_ object: JSONValue, _ old: JSONValue?, _ rules: ServerRules) -> [FieldProblem] = { _, _, _ in [] }
}

/// How the server treats the objects that are written.
struct ServerRules: Sendable {
  /// A real server rejects them.
  var acceptsLoopbackEndpoints = false
  /// Whether Services are of IPv6 unless they say otherwise.
  var isIPv6First = false
  /// The paths of fields that are dropped, as by a CRD without them.
  var prunedFields: [ResourceKind.ID: [[String]]] = [:]
  /// The custom resources without a definition: requests for them get 404.
  var undefinedKinds: Set<ResourceKind.ID> = []
  /// The API group of the request, which differs from the kind's for a view.
  var requestedGroup = ""
}

extension ResourceKind {
  /// Identifies the storage of the kind, which all its versions share.
  struct ID: Hashable, Sendable, CustomStringConvertible {
    var group: String
    var plural: String
    var description: String { group.isEmpty ? plural : "\(plural).\(group)" }
  }

  var id: ID { ID(group: group, plural: plural) }

  var apiVersion: String { group.isEmpty ? version : "\(group)/\(version)" }

  /// The resource in the server's messages, such as `endpointslices.discovery.k8s.io`.
  var qualifiedPlural: String { id.description }

  /// The kind in the server's messages, such as `EndpointSlice.discovery.k8s.io`.
  var qualifiedKind: String { group.isEmpty ? kind : "\(kind).\(group)" }

  /// The `details` of a Status about an object of this kind.
  func details(name: String, kindName: String) -> JSONObject {
    var details: JSONObject = ["kind": .string(kindName)]
    if !name.isEmpty { details["name"] = .string(name) }
    if !group.isEmpty { details["group"] = .string(group) }
    return details
  }

  /// The storage key of an object. Keys sort like etcd's, by namespace and name.
  func key(namespace: String, name: String) -> String {
    isNamespaced ? "\(namespace)/\(name)" : name
  }
}

/// A field of a field selector.
struct SelectableField: Sendable {
  var name: String
  /// The path of the value.
  var path: [String]
  /// The value that the real server compares if the object has none.
  var defaultValue = ""

  init(_ name: String, default defaultValue: String = "") {
    self.name = name
    self.path = name.split(separator: ".").map(String.init)
    self.defaultValue = defaultValue
  }

  init(_ name: String, path: String) {
    self.name = name
    self.path = path.split(separator: ".").map(String.init)
  }

  func value(in object: JSONValue) -> String {
    var value: JSONValue? = object
    for member in path { value = value?[member] }
    return switch value {
    case .string(let text): text.isEmpty ? defaultValue : text
    case .bool(let bool): bool ? "true" : "false"
    case .integer(let integer): String(integer)
    default: defaultValue
    }
  }
}

/// Another API group's view of a kind: the same stored objects with some members renamed.
struct KindView: Sendable {
  /// The stored kind.
  var stored: ResourceKind.ID
  /// The member names of the view, by the stored names.
  var names: [String: String]

  /// The Events of events.k8s.io. Source: kubernetes/pkg/apis/events/v1/conversion.go.
  static let events = KindView(
    stored: ResourceKind.ID(group: "", plural: "events"),
    names: [
      "involvedObject": "regarding", "message": "note", "reportingComponent": "reportingController", "source": "deprecatedSource",
      "firstTimestamp": "deprecatedFirstTimestamp", "lastTimestamp": "deprecatedLastTimestamp", "count": "deprecatedCount",
    ])
}

extension ResourceKind {
  /// The kind under which its objects are stored: another one for a view.
  var storage: ResourceKind {
    guard let view else { return self }
    return ResourceTable.all.first { $0.id == view.stored } ?? self
  }

  /// Converts an object or a patch of this kind to the stored form.
  func stored(_ object: JSONValue) -> JSONValue {
    guard let view else { return object }
    var object = Self.renamed(object, Dictionary(uniqueKeysWithValues: view.names.map { ($0.value, $0.key) }))
    if object["apiVersion"]?.string == apiVersion { object["apiVersion"] = .string(storage.apiVersion) }
    return object
  }

  /// Converts a stored object to this kind.
  func shown(_ object: JSONValue) -> JSONValue {
    view.map { Self.renamed(object, $0.names) } ?? object
  }

  private static func renamed(_ object: JSONValue, _ names: [String: String]) -> JSONValue {
    guard case .object(let members) = object else { return object }
    return .object(JSONObject(members.lazy.map { (names[$0.key] ?? $0.key, $0.value) }))
  }
}
