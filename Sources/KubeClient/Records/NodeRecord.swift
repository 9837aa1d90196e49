/// What we keep of a Node.
public struct NodeRecord: Record, Hashable {
  /// `metadata.name`.
  public internal(set) var name: String
  /// `metadata.uid`; another Node of the same name has another.
  public internal(set) var uid: String
  /// The version that this was read from; opaque.
  public internal(set) var resourceVersion: String
  /// All of them.
  public internal(set) var labels: [String: String]
  /// Only those with the prefixes that the decoder was asked for.
  public internal(set) var annotations: [String: String]
  /// What the kubelet reports, `linux` or `windows`; empty before it has.
  public internal(set) var operatingSystem: String
  /// In the order in which the kubelet reports them.
  public internal(set) var addresses: [NodeAddress]
  /// The condition `Ready`: false also where its status is unknown, `nil` where the Node has no such condition.
  public internal(set) var ready: Bool?
  /// Where the kubelet serves; `nil` where the Node does not say.
  public internal(set) var kubeletPort: Int?

  public var key: ObjectKey { ObjectKey(name: name) }

  public init(
    name: String, uid: String = "", resourceVersion: String = "", labels: [String: String] = [:], annotations: [String: String] = [:],
    operatingSystem: String = "", addresses: [NodeAddress] = [], ready: Bool? = nil, kubeletPort: Int? = nil
  ) {
    self.name = name
    self.uid = uid
    self.resourceVersion = resourceVersion
    self.labels = labels
    self.annotations = annotations
    self.operatingSystem = operatingSystem
    self.addresses = addresses
    self.ready = ready
    self.kubeletPort = kubeletPort
  }
}

/// One of a Node's addresses.
public struct NodeAddress: Hashable, Sendable {
  /// `InternalIP`, `ExternalIP`, `Hostname`, `InternalDNS` or `ExternalDNS`.
  public var type: String
  /// The address or the name itself.
  public var address: String

  public init(type: String, address: String) {
    self.type = type
    self.address = address
  }
}
