// What a kubelet does to a container beside running it. Source of the numbers: k8s.io/api, core/v1/generated.proto.
extension ProtobufMessage {
  static let probe = ProtobufMessage([
    .inlined(1, probeHandler), .number(2, "initialDelaySeconds"), .number(3, "timeoutSeconds"), .number(4, "periodSeconds"),
    .number(5, "successThreshold"), .number(6, "failureThreshold"), .optional(7, "terminationGracePeriodSeconds", .number),
  ])

  static let lifecycle = ProtobufMessage([
    .optional(1, "postStart", .message(lifecycleHandler)), .optional(2, "preStop", .message(lifecycleHandler)),
  ])

  private static let probeHandler = ProtobufMessage([
    .optional(1, "exec", .message(command)), .optional(2, "httpGet", .message(httpGet)), .optional(3, "tcpSocket", .message(tcpSocket)),
    .optional(4, "grpc", .message(ProtobufMessage([.number(1, "port"), .optional(2, "service", .text)]))),
  ])

  private static let lifecycleHandler = ProtobufMessage([
    .optional(1, "exec", .message(command)), .optional(2, "httpGet", .message(httpGet)), .optional(3, "tcpSocket", .message(tcpSocket)),
    .optional(4, "sleep", .message(ProtobufMessage([.number(1, "seconds")]))),
  ])

  private static let command = ProtobufMessage([.repeated(1, "command", .text)])

  private static let httpGet = ProtobufMessage([
    .text(1, "path"), .init(2, "port", .numberOrText), .text(3, "host"), .text(4, "scheme"),
    .repeated(5, "httpHeaders", .message(ProtobufMessage([.text(1, "name"), .text(2, "value")]))),
  ])

  private static let tcpSocket = ProtobufMessage([.init(1, "port", .numberOrText), .text(2, "host")])
}
