/// What we keep of a Pod.
public struct PodRecord: Record, Hashable {
  /// `metadata.namespace`.
  public internal(set) var namespace: String
  /// `metadata.name`.
  public internal(set) var name: String
  /// `metadata.uid`; another Pod of the same name has another.
  public internal(set) var uid: String
  /// The version that this was read from; opaque.
  public internal(set) var resourceVersion: String
  /// `nil` until the Pod is scheduled.
  public internal(set) var nodeName: String?
  /// `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
  public internal(set) var phase: String
  /// Whether its containers share the node's network namespace.
  public internal(set) var hostNetwork: Bool
  /// One for each family of addresses; empty until the Pod has one.
  public internal(set) var podIPs: [String]
  /// Only those with the prefixes that the decoder was asked for.
  public internal(set) var annotations: [String: String]
  /// Whether the Pod has a deletion timestamp.
  public internal(set) var isBeingDeleted: Bool
  /// Every container of the specification, with what the status says of it: initialization first, then regular, then ephemeral ones.
  public internal(set) var containers: [ContainerRecord]

  public var key: ObjectKey { ObjectKey(namespace: namespace, name: name) }

  public init(
    namespace: String, name: String, uid: String = "", resourceVersion: String = "", nodeName: String? = nil, phase: String = "",
    hostNetwork: Bool = false, podIPs: [String] = [], annotations: [String: String] = [:], isBeingDeleted: Bool = false,
    containers: [ContainerRecord] = []
  ) {
    self.namespace = namespace
    self.name = name
    self.uid = uid
    self.resourceVersion = resourceVersion
    self.nodeName = nodeName
    self.phase = phase
    self.hostNetwork = hostNetwork
    self.podIPs = podIPs
    self.annotations = annotations
    self.isBeingDeleted = isBeingDeleted
    self.containers = containers
  }
}
