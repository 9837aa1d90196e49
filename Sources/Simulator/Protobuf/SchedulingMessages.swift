// Affinity and topology spread. Field numbers: k8s.io/api, core/v1/generated.proto, and for the selector k8s.io/apimachinery,
// pkg/apis/meta/v1/generated.proto.
extension ProtobufMessage {
  static let affinity = ProtobufMessage([
    .optional(1, "nodeAffinity", .message(nodeAffinity)), .optional(2, "podAffinity", .message(podAffinity)),
    .optional(3, "podAntiAffinity", .message(podAffinity)),
  ])

  static let topologySpread = ProtobufMessage([
    .number(1, "maxSkew"), .text(2, "topologyKey"), .text(3, "whenUnsatisfiable"), .optional(4, "labelSelector", .message(labelSelector)),
    .optional(5, "minDomains", .number), .optional(6, "nodeAffinityPolicy", .text), .optional(7, "nodeTaintsPolicy", .text),
    .repeated(8, "matchLabelKeys", .text),
  ])

  private static let nodeAffinity = ProtobufMessage([
    .optional(
      1, "requiredDuringSchedulingIgnoredDuringExecution",
      .message(ProtobufMessage([.repeated(1, "nodeSelectorTerms", .message(nodeSelectorTerm))]))),
    .repeated(
      2, "preferredDuringSchedulingIgnoredDuringExecution",
      .message(ProtobufMessage([.number(1, "weight"), .message(2, "preference", nodeSelectorTerm)]))),
  ])

  private static let nodeSelectorTerm = ProtobufMessage([
    .repeated(1, "matchExpressions", .message(requirement)), .repeated(2, "matchFields", .message(requirement)),
  ])

  private static let requirement = ProtobufMessage([.text(1, "key"), .text(2, "operator"), .repeated(3, "values", .text)])

  private static let podAffinity = ProtobufMessage([
    .repeated(1, "requiredDuringSchedulingIgnoredDuringExecution", .message(podAffinityTerm)),
    .repeated(
      2, "preferredDuringSchedulingIgnoredDuringExecution",
      .message(ProtobufMessage([.number(1, "weight"), .message(2, "podAffinityTerm", podAffinityTerm)]))),
  ])

  private static let podAffinityTerm = ProtobufMessage([
    .optional(1, "labelSelector", .message(labelSelector)), .repeated(2, "namespaces", .text), .text(3, "topologyKey"),
    .optional(4, "namespaceSelector", .message(labelSelector)), .repeated(5, "matchLabelKeys", .text),
    .repeated(6, "mismatchLabelKeys", .text),
  ])

  private static let labelSelector = ProtobufMessage([
    .map(1, "matchLabels"), .repeated(2, "matchExpressions", .message(requirement)),
  ])
}
