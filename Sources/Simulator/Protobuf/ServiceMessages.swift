// Field numbers: k8s.io/api, core/v1/generated.proto and discovery/v1/generated.proto.
extension ProtobufMessage {
  static let service = ProtobufMessage([
    .message(1, "metadata", objectMeta), .message(2, "spec", serviceSpec), .message(3, "status", serviceStatus),
  ])

  private static let serviceSpec = ProtobufMessage([
    .repeated(1, "ports", .message(servicePort)), .map(2, "selector"), .text(3, "clusterIP"), .text(4, "type"),
    .repeated(5, "externalIPs", .text), .text(7, "sessionAffinity"), .text(8, "loadBalancerIP"),
    .repeated(9, "loadBalancerSourceRanges", .text), .text(10, "externalName"), .text(11, "externalTrafficPolicy"),
    .number(12, "healthCheckNodePort"), .flag(13, "publishNotReadyAddresses"),
    .optional(14, "sessionAffinityConfig", .message(affinityConfiguration)), .optional(17, "ipFamilyPolicy", .text),
    .repeated(18, "clusterIPs", .text), .repeated(19, "ipFamilies", .text), .optional(20, "allocateLoadBalancerNodePorts", .flag),
    .optional(21, "loadBalancerClass", .text), .optional(22, "internalTrafficPolicy", .text), .optional(23, "trafficDistribution", .text),
  ])

  private static let servicePort = ProtobufMessage([
    .text(1, "name"), .text(2, "protocol"), .number(3, "port"), .init(4, "targetPort", .numberOrText), .number(5, "nodePort"),
    .optional(6, "appProtocol", .text),
  ])

  private static let affinityConfiguration = ProtobufMessage([
    .optional(1, "clientIP", .message(ProtobufMessage([.optional(1, "timeoutSeconds", .number)])))
  ])

  private static let serviceStatus = ProtobufMessage([
    .message(
      1, "loadBalancer",
      ProtobufMessage([
        .repeated(1, "ingress", .message(ProtobufMessage([.text(1, "ip"), .text(2, "hostname"), .optional(3, "ipMode", .text)])))
      ]))
  ])

  static let endpointSlice = ProtobufMessage([
    .message(1, "metadata", objectMeta), .repeated(2, "endpoints", .message(endpoint)), .repeated(3, "ports", .message(endpointPort)),
    .text(4, "addressType"),
  ])

  private static let endpoint = ProtobufMessage([
    .repeated(1, "addresses", .text), .message(2, "conditions", endpointConditions), .optional(3, "hostname", .text),
    .optional(4, "targetRef", .message(objectReference)), .map(5, "deprecatedTopology"), .optional(6, "nodeName", .text),
    .optional(7, "zone", .text), .optional(8, "hints", .message(endpointHints)),
  ])

  private static let endpointConditions = ProtobufMessage([
    .optional(1, "ready", .flag), .optional(2, "serving", .flag), .optional(3, "terminating", .flag),
  ])

  private static let endpointHints = ProtobufMessage([
    .repeated(1, "forZones", .message(ProtobufMessage([.text(1, "name")]))),
    .repeated(2, "forNodes", .message(ProtobufMessage([.text(1, "name")]))),
  ])

  private static let objectReference = ProtobufMessage([
    .text(1, "kind"), .text(2, "namespace"), .text(3, "name"), .text(4, "uid"), .text(5, "apiVersion"), .text(6, "resourceVersion"),
    .text(7, "fieldPath"),
  ])

  private static let endpointPort = ProtobufMessage([
    .optional(1, "name", .text), .optional(2, "protocol", .text), .optional(3, "port", .number), .optional(4, "appProtocol", .text),
  ])
}
