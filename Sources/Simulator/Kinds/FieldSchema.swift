/// The merge rules of a value in strategic merge patches and in server-side apply.
///
/// A member without a schema merges like a custom resource without markers: objects member by member, lists as one value.
/// Source: the `listType`, `listMapKey`, `mapType` and `patchMergeKey` markers in k8s.io/api.
indirect enum FieldSchema: Sendable {
  /// An object that merges member by member.
  case object([String: FieldSchema])
  /// A value that is replaced as a whole.
  case atomic
  /// A list whose elements are identified by these members.
  case map(keys: [Key], patchKey: String, element: FieldSchema)
  /// A list of distinct scalars.
  case set

  /// A member that identifies an element, and its default value.
  struct Key: Sendable {
    var name: String
    var defaultValue: String?
    init(_ name: String, default defaultValue: String? = nil) {
      self.name = name
      self.defaultValue = defaultValue
    }
  }

  /// A list with `listType: map` and one key (`listMapKeys`).
  static func map(by key: String, _ element: FieldSchema = .object([:])) -> FieldSchema {
    .map(keys: [Key(key)], patchKey: key, element: element)
  }

  /// The schema of the member `name` of an object.
  func member(_ name: String) -> FieldSchema {
    if case .object(let members) = self, let schema = members[name] { return schema }
    return .object([:])
  }

  var isAtomic: Bool {
    if case .atomic = self { return true }
    return false
  }
}

extension FieldSchema {
  static let metadata = FieldSchema.object([
    "ownerReferences": .map(by: "uid"),
    "finalizers": .set,
    "managedFields": .atomic,
  ])

  static func kind(spec: FieldSchema = .object([:]), status: FieldSchema = .object([:])) -> FieldSchema {
    .object(["metadata": metadata, "spec": spec, "status": status])
  }

  static let conditions = FieldSchema.object(["conditions": .map(by: "type")])

  static let node = kind(
    spec: .object(["podCIDRs": .set, "taints": .atomic, "configSource": .atomic]),
    status: .object(["conditions": .map(by: "type"), "addresses": .map(by: "type")]))

  static let podSpec = FieldSchema.object([
    "containers": .map(by: "name", container),
    "initContainers": .map(by: "name", container),
    "ephemeralContainers": .map(by: "name", container),
    "volumes": .map(by: "name"),
    "imagePullSecrets": .map(by: "name"),
    "hostAliases": .map(by: "ip"),
    "nodeSelector": .atomic,
    "topologySpreadConstraints": .map(
      keys: [Key("topologyKey"), Key("whenUnsatisfiable")], patchKey: "topologyKey", element: .object(["labelSelector": .atomic])),
  ])

  private static let container = FieldSchema.object([
    "env": .map(
      by: "name",
      .object([
        "valueFrom": .object([
          "configMapKeyRef": .atomic, "fieldRef": .atomic, "resourceFieldRef": .atomic, "secretKeyRef": .atomic,
        ])
      ])),
    "ports": .map(
      keys: [Key("containerPort"), Key("protocol", default: "TCP")], patchKey: "containerPort", element: .object([:])),
    "volumeMounts": .map(by: "mountPath"),
    "volumeDevices": .map(by: "devicePath"),
  ])

  static let pod = kind(
    spec: podSpec,
    status: .object(["conditions": .map(by: "type"), "podIPs": .map(by: "ip"), "hostIPs": .atomic]))

  static let service = kind(
    spec: .object([
      "selector": .atomic,
      "ports": .map(keys: [Key("port"), Key("protocol", default: "TCP")], patchKey: "port", element: .object([:])),
    ]),
    status: conditions)

  static let workload = kind(
    spec: .object(["selector": .atomic, "template": .object(["metadata": metadata, "spec": podSpec])]),
    status: conditions)

  static let event = FieldSchema.object(["metadata": metadata, "involvedObject": .atomic, "regarding": .atomic, "related": .atomic])

  static let prometheusRule = kind(spec: .object(["groups": .map(by: "name")]))
}
