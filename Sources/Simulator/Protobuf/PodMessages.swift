// Source of the numbers: k8s.io/api, core/v1/generated.proto. Left out is what nothing here reads: volumes, probes, affinity and such.
extension ProtobufMessage {
  static let pod = ProtobufMessage([.message(1, "metadata", objectMeta), .message(2, "spec", podSpec), .message(3, "status", podStatus)])

  private static let podSpec = ProtobufMessage([
    .repeated(2, "containers", .message(container)), .text(3, "restartPolicy"), .optional(4, "terminationGracePeriodSeconds", .number),
    .optional(5, "activeDeadlineSeconds", .number), .text(6, "dnsPolicy"), .map(7, "nodeSelector"), .text(8, "serviceAccountName"),
    .text(9, "serviceAccount"), .text(10, "nodeName"), .flag(11, "hostNetwork"), .flag(12, "hostPID"), .flag(13, "hostIPC"),
    .optional(14, "securityContext", .message(podSecurityContext)),
    .repeated(15, "imagePullSecrets", .message(ProtobufMessage([.text(1, "name")]))),
    .text(16, "hostname"), .text(17, "subdomain"), .text(19, "schedulerName"), .repeated(20, "initContainers", .message(container)),
    .optional(21, "automountServiceAccountToken", .flag), .repeated(22, "tolerations", .message(toleration)),
    .text(24, "priorityClassName"),
    .optional(25, "priority", .number), .optional(29, "runtimeClassName", .text), .optional(30, "enableServiceLinks", .flag),
    .optional(31, "preemptionPolicy", .text), .repeated(34, "ephemeralContainers", .message(ephemeralContainer)),
    .optional(36, "os", .message(ProtobufMessage([.text(1, "name")]))),
  ])

  private static let container = ProtobufMessage([
    .text(1, "name"), .text(2, "image"), .repeated(3, "command", .text), .repeated(4, "args", .text), .text(5, "workingDir"),
    .repeated(6, "ports", .message(containerPort)), .repeated(7, "env", .message(environmentVariable)), .message(8, "resources", resources),
    .text(13, "terminationMessagePath"), .text(14, "imagePullPolicy"), .optional(15, "securityContext", .message(securityContext)),
    .flag(16, "stdin"), .flag(17, "stdinOnce"), .flag(18, "tty"), .text(20, "terminationMessagePolicy"),
    .optional(24, "restartPolicy", .text),
  ])

  private static let ephemeralContainer = ProtobufMessage([
    .init(number: 1, name: "", kind: .inlined(container), presence: .always), .text(2, "targetContainerName"),
  ])

  private static let containerPort = ProtobufMessage([
    .text(1, "name"), .number(2, "hostPort"), .number(3, "containerPort"), .text(4, "protocol"), .text(5, "hostIP"),
  ])

  private static let environmentVariable = ProtobufMessage([.text(1, "name"), .text(2, "value")])

  private static let resources = ProtobufMessage([.map(1, "limits", .quantity), .map(2, "requests", .quantity)])

  private static let securityContext = ProtobufMessage([
    .optional(2, "privileged", .flag), .optional(4, "runAsUser", .number), .optional(5, "runAsNonRoot", .flag),
    .optional(6, "readOnlyRootFilesystem", .flag), .optional(7, "allowPrivilegeEscalation", .flag), .optional(8, "runAsGroup", .number),
    .optional(10, "windowsOptions", .message(windowsOptions)),
  ])

  private static let podSecurityContext = ProtobufMessage([
    .optional(2, "runAsUser", .number), .optional(3, "runAsNonRoot", .flag), .optional(5, "fsGroup", .number),
    .optional(6, "runAsGroup", .number), .optional(8, "windowsOptions", .message(windowsOptions)),
  ])

  private static let windowsOptions = ProtobufMessage([
    .optional(1, "gmsaCredentialSpecName", .text), .optional(2, "gmsaCredentialSpec", .text), .optional(3, "runAsUserName", .text),
    .optional(4, "hostProcess", .flag),
  ])

  private static let toleration = ProtobufMessage([
    .text(1, "key"), .text(2, "operator"), .text(3, "value"), .text(4, "effect"), .optional(5, "tolerationSeconds", .number),
  ])

  private static let podStatus = ProtobufMessage([
    .text(1, "phase"), .repeated(2, "conditions", .message(podCondition)), .text(3, "message"), .text(4, "reason"), .text(5, "hostIP"),
    .text(6, "podIP"), .optional(7, "startTime", .time), .repeated(8, "containerStatuses", .message(containerStatus)), .text(9, "qosClass"),
    .repeated(10, "initContainerStatuses", .message(containerStatus)), .text(11, "nominatedNodeName"),
    .repeated(12, "podIPs", .message(address)), .repeated(13, "ephemeralContainerStatuses", .message(containerStatus)),
    .repeated(16, "hostIPs", .message(address)),
  ])

  private static let address = ProtobufMessage([.text(1, "ip")])

  private static let podCondition = ProtobufMessage([
    .text(1, "type"), .text(2, "status"), .time(3, "lastProbeTime"), .time(4, "lastTransitionTime"), .text(5, "reason"),
    .text(6, "message"),
  ])

  private static let containerStatus = ProtobufMessage([
    .text(1, "name"), .message(2, "state", containerState), .message(3, "lastState", containerState), .flag(4, "ready"),
    .number(5, "restartCount"), .text(6, "image"), .text(7, "imageID"), .text(8, "containerID"), .optional(9, "started", .flag),
  ])

  private static let containerState = ProtobufMessage([
    .optional(1, "waiting", .message(ProtobufMessage([.text(1, "reason"), .text(2, "message")]))),
    .optional(2, "running", .message(ProtobufMessage([.time(1, "startedAt")]))),
    .optional(
      3, "terminated",
      .message(
        ProtobufMessage([
          .number(1, "exitCode"), .number(2, "signal"), .text(3, "reason"), .text(4, "message"), .time(5, "startedAt"),
          .time(6, "finishedAt"), .text(7, "containerID"),
        ]))),
  ])
}
