import JSON

/// All that the server needs to know of one kind of object. A table of these drives discovery, storage, patches and printing.
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
  /// Whether `/status` is a resource of its own, so that a write of the object leaves its status alone.
  var hasStatus = false
  /// Whether the object may be created with a status, as kubelets do with Nodes.
  var acceptsStatusOnCreate = false
  /// Whether `metadata.generation` counts the changes of the object's specification.
  var countsGenerations = false
  /// A custom resource: strategic merge patches are refused, and items of a list carry their kind.
  var isCustom = false
  /// Set where the objects are those of another kind.
  var view: KindView?
  /// How the lists in the object merge.
  var schema = FieldSchema.object([:])
  /// The message that the object is in protobuf; `nil` where the server speaks JSON only.
  var message: ProtobufMessage?
  var columns: [TableColumn] = TableColumn.nameAndAge
  /// Fields that a field selector may name besides `metadata.name` and `metadata.namespace`, and where their values are.
  var selectableFields: [SelectableField] = []
  /// Fills in what the real server fills in.
  var applyDefaults: @Sendable (inout JSONValue) -> Void = { _ in }
  /// What is wrong with the object, given the one that it replaces.
  var validate: @Sendable (_ object: JSONValue, _ old: JSONValue?, _ rules: ValidationRules) -> [FieldProblem] = { _, _, _ in [] }
}

/// What a validation has to know beside the object.
struct ValidationRules: Sendable {
  /// A real server refuses them.
  var acceptsLoopbackEndpoints = false
  /// The API group of the request: that of the kind, or that of a view of it.
  var requestedGroup = ""
}

extension ResourceKind {
  /// Names the kind's storage: two versions of one kind would share it.
  struct ID: Hashable, Sendable, CustomStringConvertible {
    var group: String
    var plural: String
    var description: String { group.isEmpty ? plural : "\(plural).\(group)" }
  }

  var id: ID { ID(group: group, plural: plural) }

  var apiVersion: String { group.isEmpty ? version : "\(group)/\(version)" }

  /// As the server's messages name the resource, such as `endpointslices.discovery.k8s.io`.
  var qualifiedPlural: String { id.description }

  /// As the server's messages name the kind, such as `EndpointSlice.discovery.k8s.io`.
  var qualifiedKind: String { group.isEmpty ? kind : "\(kind).\(group)" }

  /// The `details` of a Status about an object of this kind.
  func details(name: String, kindName: String) -> [String: JSONValue] {
    var details: [String: JSONValue] = ["kind": .string(kindName)]
    if !name.isEmpty { details["name"] = .string(name) }
    if !group.isEmpty { details["group"] = .string(group) }
    return details
  }

  /// The key of an object in its storage; keys sort as those of etcd do, by namespace, then name.
  func key(namespace: String, name: String) -> String {
    isNamespaced ? "\(namespace)/\(name)" : name
  }
}
