// Field numbers: k8s.io/api, core/v1/generated.proto. Resource claims and other rare fields are left out.
extension ProtobufMessage {
  static let pod = ProtobufMessage([.message(1, "metadata", objectMeta), .message(2, "spec", podSpec), .message(3, "status", podStatus)])

  private static let podSpec = ProtobufMessage([
    .repeated(1, "volumes", .message(volume)), .repeated(2, "containers", .message(container)), .text(3, "restartPolicy"),
    .optional(4, "terminationGracePeriodSeconds", .number),
    .optional(5, "activeDeadlineSeconds", .number), .text(6, "dnsPolicy"), .map(7, "nodeSelector"), .text(8, "serviceAccountName"),
    .text(9, "serviceAccount"), .text(10, "nodeName"), .flag(11, "hostNetwork"), .flag(12, "hostPID"), .flag(13, "hostIPC"),
    .optional(14, "securityContext", .message(podSecurityContext)),
    .repeated(15, "imagePullSecrets", .message(localReference)),
    .text(16, "hostname"), .text(17, "subdomain"), .optional(18, "affinity", .message(affinity)), .text(19, "schedulerName"),
    .repeated(20, "initContainers", .message(container)),
    .optional(21, "automountServiceAccountToken", .flag), .repeated(22, "tolerations", .message(toleration)),
    .repeated(23, "hostAliases", .message(ProtobufMessage([.text(1, "ip"), .repeated(2, "hostnames", .text)]))),
    .text(24, "priorityClassName"), .optional(25, "priority", .number), .optional(26, "dnsConfig", .message(dnsConfig)),
    .optional(27, "shareProcessNamespace", .flag), .repeated(28, "readinessGates", .message(ProtobufMessage([.text(1, "conditionType")]))),
    .optional(29, "runtimeClassName", .text), .optional(30, "enableServiceLinks", .flag),
    .optional(31, "preemptionPolicy", .text), .map(32, "overhead", .quantity),
    .repeated(33, "topologySpreadConstraints", .message(topologySpread)),
    .repeated(34, "ephemeralContainers", .message(ephemeralContainer)),
    .optional(36, "os", .message(ProtobufMessage([.text(1, "name")]))),
  ])

  private static let dnsConfig = ProtobufMessage([
    .repeated(1, "nameservers", .text), .repeated(2, "searches", .text),
    .repeated(3, "options", .message(ProtobufMessage([.text(1, "name"), .optional(2, "value", .text)]))),
  ])

  private static let container = ProtobufMessage([
    .text(1, "name"), .text(2, "image"), .repeated(3, "command", .text), .repeated(4, "args", .text), .text(5, "workingDir"),
    .repeated(6, "ports", .message(containerPort)), .repeated(7, "env", .message(environmentVariable)), .message(8, "resources", resources),
    .repeated(9, "volumeMounts", .message(volumeMount)), .optional(10, "livenessProbe", .message(probe)),
    .optional(11, "readinessProbe", .message(probe)), .optional(12, "lifecycle", .message(lifecycle)),
    .text(13, "terminationMessagePath"), .text(14, "imagePullPolicy"), .optional(15, "securityContext", .message(securityContext)),
    .flag(16, "stdin"), .flag(17, "stdinOnce"), .flag(18, "tty"), .repeated(19, "envFrom", .message(environmentSource)),
    .text(20, "terminationMessagePolicy"),
    .repeated(21, "volumeDevices", .message(volumeDevice)), .optional(22, "startupProbe", .message(probe)),
    .optional(24, "restartPolicy", .text), .repeated(25, "restartPolicyRules", .message(restartRule)),
  ])

  private static let restartRule = ProtobufMessage([
    .text(1, "action"),
    .optional(2, "exitCodes", .message(ProtobufMessage([.text(1, "operator"), .repeated(2, "values", .number)]))),
  ])

  private static let ephemeralContainer = ProtobufMessage([
    .inlined(1, container), .text(2, "targetContainerName"),
  ])

  private static let containerPort = ProtobufMessage([
    .text(1, "name"), .number(2, "hostPort"), .number(3, "containerPort"), .text(4, "protocol"), .text(5, "hostIP"),
  ])

  private static let environmentVariable = ProtobufMessage([
    .text(1, "name"), .text(2, "value"), .optional(3, "valueFrom", .message(valueSource)),
  ])

  private static let valueSource = ProtobufMessage([
    .optional(1, "fieldRef", .message(fieldReference)), .optional(2, "resourceFieldRef", .message(resourceReference)),
    .optional(3, "configMapKeyRef", .message(keyReference)), .optional(4, "secretKeyRef", .message(keyReference)),
  ])

  private static let keyReference = ProtobufMessage([.inlined(1, localReference), .text(2, "key"), .optional(3, "optional", .flag)])

  private static let environmentSource = ProtobufMessage([
    .text(1, "prefix"), .optional(2, "configMapRef", .message(wholeReference)), .optional(3, "secretRef", .message(wholeReference)),
  ])

  private static let wholeReference = ProtobufMessage([.inlined(1, localReference), .optional(2, "optional", .flag)])

  private static let resources = ProtobufMessage([.map(1, "limits", .quantity), .map(2, "requests", .quantity)])

  private static let securityContext = ProtobufMessage([
    .optional(1, "capabilities", .message(ProtobufMessage([.repeated(1, "add", .text), .repeated(2, "drop", .text)]))),
    .optional(2, "privileged", .flag), .optional(4, "runAsUser", .number), .optional(5, "runAsNonRoot", .flag),
    .optional(6, "readOnlyRootFilesystem", .flag), .optional(7, "allowPrivilegeEscalation", .flag), .optional(8, "runAsGroup", .number),
    .optional(9, "procMount", .text), .optional(10, "windowsOptions", .message(windowsOptions)),
    .optional(11, "seccompProfile", .message(seccompProfile)),
  ])

  private static let seccompProfile = ProtobufMessage([.text(1, "type"), .optional(2, "localhostProfile", .text)])

  private static let podSecurityContext = ProtobufMessage([
    .optional(2, "runAsUser", .number), .optional(3, "runAsNonRoot", .flag),
    .repeated(4, "supplementalGroups", .number), .optional(5, "fsGroup", .number),
    .optional(6, "runAsGroup", .number), .optional(8, "windowsOptions", .message(windowsOptions)),
    .optional(9, "fsGroupChangePolicy", .text), .optional(10, "seccompProfile", .message(seccompProfile)),
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

// Probes and lifecycle hooks.
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
