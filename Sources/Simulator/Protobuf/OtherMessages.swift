// What `kubectl create namespace`, `configmap` and `secret` send. Source of the numbers: k8s.io/api, core/v1/generated.proto.
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
