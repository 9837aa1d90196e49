/// The decoded part of a `Node` in JSON.
struct WireNode: Decodable {
  struct Status: Decodable {
    struct Condition: Decodable {
      var type: String?
      var status: String?
    }
    struct Address: Decodable {
      var type: String?
      var address: String?
    }
    struct DaemonEndpoints: Decodable {
      struct Endpoint: Decodable {
        var port: Int64?
        // Upper case in the API.
        private enum CodingKeys: String, CodingKey { case port = "Port" }
      }
      var kubeletEndpoint: Endpoint?
    }
    struct SystemInfo: Decodable {
      var operatingSystem: String?
    }
    var conditions: [Condition]?
    var addresses: [Address]?
    var daemonEndpoints: DaemonEndpoints?
    var nodeInfo: SystemInfo?
  }
  var metadata: WireMetadata?
  var status: Status?
}

extension NodeRecord {
  init(_ wire: WireNode, keeping filter: MetadataFilter) {
    self.init(
      name: wire.metadata?.name ?? "",
      uid: wire.metadata?.uid ?? "",
      resourceVersion: wire.metadata?.resourceVersion ?? "",
      labels: filter.keepsLabels ? wire.metadata?.labels ?? [:] : [:],
      annotations: (wire.metadata?.annotations ?? [:]).filter { filter.keeps(annotation: $0.key) },
      operatingSystem: wire.status?.nodeInfo?.operatingSystem ?? "",
      addresses: (wire.status?.addresses ?? []).map { NodeAddress(type: $0.type ?? "", address: $0.address ?? "") },
      ready: wire.status?.conditions?.last { $0.type == "Ready" }.map { $0.status == "True" },
      kubeletPort: wire.status?.daemonEndpoints?.kubeletEndpoint?.port.flatMap(Int.init(exactly:)))
  }
}

/// The decoded part of `ObjectMeta` in JSON.
struct WireMetadata: Decodable {
  var name: String?
  var namespace: String?
  var uid: String?
  var resourceVersion: String?
  var deletionTimestamp: String?
  var labels: [String: String]?
  var annotations: [String: String]?
  var ownerReferences: [OwnerReference]?

  struct OwnerReference: Decodable {
    var kind: String?
    var name: String?
    var controller: Bool?
  }
}
