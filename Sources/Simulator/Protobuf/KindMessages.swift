// Field numbers: k8s.io/api, core/v1/generated.proto. Nodes are without configSource, config, volumes and features.
extension ProtobufMessage {
  static let node = ProtobufMessage([.message(1, "metadata", objectMeta), .message(2, "spec", nodeSpec), .message(3, "status", nodeStatus)])

  private static let nodeSpec = ProtobufMessage([
    .text(1, "podCIDR"), .text(2, "externalID"), .text(3, "providerID"), .flag(4, "unschedulable"), .repeated(5, "taints", .message(taint)),
    .repeated(7, "podCIDRs", .text),
  ])

  private static let taint = ProtobufMessage([.text(1, "key"), .text(2, "value"), .text(3, "effect"), .optional(4, "timeAdded", .time)])

  private static let nodeStatus = ProtobufMessage([
    .map(1, "capacity", .quantity), .map(2, "allocatable", .quantity), .text(3, "phase"),
    .repeated(4, "conditions", .message(nodeCondition)),
    .repeated(5, "addresses", .message(nodeAddress)), .message(6, "daemonEndpoints", daemonEndpoints), .message(7, "nodeInfo", systemInfo),
    .repeated(8, "images", .message(image)), .repeated(9, "volumesInUse", .text),
  ])

  private static let nodeCondition = ProtobufMessage([
    .text(1, "type"), .text(2, "status"), .time(3, "lastHeartbeatTime"), .time(4, "lastTransitionTime"), .text(5, "reason"),
    .text(6, "message"),
  ])

  private static let nodeAddress = ProtobufMessage([.text(1, "type"), .text(2, "address")])

  private static let daemonEndpoints = ProtobufMessage([.message(1, "kubeletEndpoint", ProtobufMessage([.number(1, "Port")]))])

  private static let systemInfo = ProtobufMessage([
    .text(1, "machineID"), .text(2, "systemUUID"), .text(3, "bootID"), .text(4, "kernelVersion"), .text(5, "osImage"),
    .text(6, "containerRuntimeVersion"), .text(7, "kubeletVersion"), .text(8, "kubeProxyVersion"), .text(9, "operatingSystem"),
    .text(10, "architecture"),
  ])

  private static let image = ProtobufMessage([.repeated(1, "names", .text), .number(2, "sizeBytes")])
}

// The messages that `kubectl create namespace`, `configmap` and `secret` send.
extension ProtobufMessage {
  static let namespace = ProtobufMessage([
    .message(1, "metadata", objectMeta), .message(2, "spec", ProtobufMessage([.repeated(1, "finalizers", .text)])),
    .message(3, "status", ProtobufMessage([.text(1, "phase")])),
  ])

  static let configMap = ProtobufMessage([
    .message(1, "metadata", objectMeta), .map(2, "data"), .map(3, "binaryData", .bytes), .optional(4, "immutable", .flag),
  ])

  static let secret = ProtobufMessage([
    .message(1, "metadata", objectMeta), .map(2, "data", .bytes), .text(3, "type"), .map(4, "stringData"), .optional(5, "immutable", .flag),
  ])
}
