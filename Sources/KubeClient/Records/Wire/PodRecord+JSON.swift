internal import Primitives

/// The decoded part of a `Pod` in JSON.
struct WirePod: Decodable {
  struct SecurityContext: Decodable {
    struct WindowsOptions: Decodable {
      var hostProcess: Bool?
    }
    var windowsOptions: WindowsOptions?
  }
  struct Container: Decodable {
    struct RestartRule: Decodable {
      struct ExitCodes: Decodable {
        var `operator`: String?
        var values: [Int64]?
      }
      var action: String?
      var exitCodes: ExitCodes?
    }
    struct Port: Decodable {
      var name: String?
      var containerPort: Int64?
    }
    var name: String?
    var image: String?
    var ports: [Port]?
    var securityContext: SecurityContext?
    var restartPolicy: String?
    var restartPolicyRules: [RestartRule]?
  }
  struct Specification: Decodable {
    var nodeName: String?
    var hostNetwork: Bool?
    var restartPolicy: String?
    var runtimeClassName: String?
    var securityContext: SecurityContext?
    var initContainers: [Container]?
    var containers: [Container]?
    var ephemeralContainers: [Container]?
  }
  struct ContainerStatus: Decodable {
    struct State: Decodable {
      struct Waiting: Decodable { var reason: String? }
      struct Running: Decodable { var startedAt: String? }
      struct Terminated: Decodable { var exitCode: Int64? }
      var waiting: Waiting?
      var running: Running?
      var terminated: Terminated?
    }
    var name: String?
    var image: String?
    var containerID: String?
    var state: State?
    var lastState: State?
    var restartCount: Int64?
  }
  struct Status: Decodable {
    struct IP: Decodable { var ip: String? }
    var phase: String?
    var podIP: String?
    var podIPs: [IP]?
    var initContainerStatuses: [ContainerStatus]?
    var containerStatuses: [ContainerStatus]?
    var ephemeralContainerStatuses: [ContainerStatus]?
  }
  var metadata: WireMetadata?
  var spec: Specification?
  var status: Status?
}

extension PodRecord {
  init(_ wire: WirePod, keeping filter: MetadataFilter) {
    var arena = TextArena()
    var assembly = ContainerListBuilder()
    assembly.podHostProcess = wire.spec?.securityContext?.windowsOptions?.hostProcess
    assembly.podRestartPolicy = ContainerRecordBuilder.RestartPolicy(wire.spec?.restartPolicy ?? "") ?? .always
    for (containers, kind) in [
      (wire.spec?.initContainers, ContainerRecord.Kind.initialization), (wire.spec?.containers, .regular),
      (wire.spec?.ephemeralContainers, .ephemeral),
    ] {
      for container in containers ?? [] {
        var specification = ContainerRecordBuilder(container, kind, in: &arena)
        if filter.keepsLabels, kind != .ephemeral {
          specification.ports = (container.ports ?? []).map {
            ContainerPortBuilder(name: arena.add($0.name ?? ""), number: UInt16(exactly: $0.containerPort ?? 0) ?? 0)
          }
        }
        assembly.add(specification: specification)
      }
    }
    for (statuses, kind) in [
      (wire.status?.initContainerStatuses, ContainerRecord.Kind.initialization), (wire.status?.containerStatuses, .regular),
      (wire.status?.ephemeralContainerStatuses, .ephemeral),
    ] {
      for status in statuses ?? [] { assembly.add(status: ContainerRecordBuilder(status, kind, in: &arena)) }
    }

    var builder = PodRecordBuilder()
    builder.namespace = arena.add(wire.metadata?.namespace ?? "")
    builder.name = arena.add(wire.metadata?.name ?? "")
    builder.uid = arena.add(wire.metadata?.uid ?? "")
    builder.resourceVersion = arena.add(wire.metadata?.resourceVersion ?? "")
    builder.nodeName = arena.add(wire.spec?.nodeName ?? "")
    builder.phase = arena.add(wire.status?.phase ?? "")
    builder.hostNetwork = wire.spec?.hostNetwork ?? false
    builder.deletionTimestamp = wire.metadata?.deletionTimestamp.map { Timestamp(rfc3339: $0)?.seconds ?? 0 }
    builder.runtimeClassName = arena.add(wire.spec?.runtimeClassName ?? "")
    let controller = wire.metadata?.ownerReferences?.last { $0.controller == true }
      .map { TextPair(key: arena.add($0.kind ?? ""), value: arena.add($0.name ?? "")) }
    let templateHash = arena.add(wire.metadata?.labels?[WorkloadBuilder.templateHashLabel] ?? "")
    builder.podIP = arena.add(wire.status?.podIP ?? "")
    builder.podIPs = (wire.status?.podIPs ?? []).compactMap(\.ip).map { arena.add($0) }
    builder.annotations = arena.add((wire.metadata?.annotations ?? [:]).filter { filter.keeps(annotation: $0.key) })
    builder.keepsScrapeFacts = filter.keepsLabels
    if filter.keepsLabels { builder.labels = arena.add(wire.metadata?.labels ?? [:]) }
    let bytes = arena.bytes.span.bytes
    builder.workload = WorkloadBuilder(controller: controller, templateHash: templateHash, in: bytes)
    builder.containers = assembly.containers(in: bytes)
    self.init(builder, in: bytes, names: nil)
  }
}

extension ContainerRecordBuilder {
  fileprivate init(_ wire: WirePod.Container, _ kind: ContainerRecord.Kind, in arena: inout TextArena) {
    self.kind = kind
    name = arena.add(wire.name ?? "")
    image = arena.add(wire.image ?? "")
    hostProcess = wire.securityContext?.windowsOptions?.hostProcess
    restartPolicy = wire.restartPolicy.flatMap { RestartPolicy($0) }
    restartRules = (wire.restartPolicyRules ?? []).filter { $0.action == "Restart" }.map {
      RestartRule(isInverted: $0.exitCodes?.operator == "NotIn", exitCodes: $0.exitCodes?.values ?? [])
    }
  }

  fileprivate init(_ wire: WirePod.ContainerStatus, _ kind: ContainerRecord.Kind, in arena: inout TextArena) {
    self.kind = kind
    name = arena.add(wire.name ?? "")
    image = arena.add(wire.image ?? "")
    containerID = arena.add(wire.containerID ?? "")
    hasRunBefore = wire.lastState?.terminated != nil || wire.restartCount ?? 0 > 0
    if let terminated = wire.state?.terminated {
      state = .terminated(exitCode: terminated.exitCode ?? 0)
    } else if let running = wire.state?.running {
      state = .running(startedAtUnixMilliseconds: running.startedAt.flatMap { Timestamp(rfc3339: $0)?.unixMilliseconds })
    } else {
      state = .waiting(reason: arena.add(wire.state?.waiting?.reason ?? ""))
    }
  }
}
