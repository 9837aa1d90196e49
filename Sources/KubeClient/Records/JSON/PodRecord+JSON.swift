/// A `Pod` as it stands in JSON, as far as it is read.
struct WirePod: Decodable {
  struct SecurityContext: Decodable {
    struct WindowsOptions: Decodable {
      var hostProcess: Bool?
    }
    var windowsOptions: WindowsOptions?
  }
  struct Container: Decodable {
    var name: String?
    var securityContext: SecurityContext?
  }
  struct Specification: Decodable {
    var nodeName: String?
    var hostNetwork: Bool?
    var securityContext: SecurityContext?
    var initContainers: [Container]?
    var containers: [Container]?
    var ephemeralContainers: [Container]?
  }
  struct ContainerStatus: Decodable {
    struct State: Decodable {
      struct Waiting: Decodable { var reason: String? }
      struct Running: Decodable { var startedAt: String? }
      struct Terminated: Decodable {}
      var waiting: Waiting?
      var running: Running?
      var terminated: Terminated?
    }
    var name: String?
    var containerID: String?
    var state: State?
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
    var assembly = ContainerAssembly()
    assembly.podHostProcess = wire.spec?.securityContext?.windowsOptions?.hostProcess
    for (containers, kind) in [
      (wire.spec?.initContainers, ContainerRecord.Kind.initialization), (wire.spec?.containers, .regular),
      (wire.spec?.ephemeralContainers, .ephemeral),
    ] {
      for container in containers ?? [] { assembly.add(ContainerSpecification(container), kind) }
    }
    for (statuses, kind) in [
      (wire.status?.initContainerStatuses, ContainerRecord.Kind.initialization), (wire.status?.containerStatuses, .regular),
      (wire.status?.ephemeralContainerStatuses, .ephemeral),
    ] {
      for status in statuses ?? [] { assembly.add(ContainerStatus(status), kind) }
    }
    let nodeName = wire.spec?.nodeName ?? ""
    let podIPs = (wire.status?.podIPs ?? []).compactMap(\.ip)
    self.init(
      namespace: wire.metadata?.namespace ?? "",
      name: wire.metadata?.name ?? "",
      uid: wire.metadata?.uid ?? "",
      resourceVersion: wire.metadata?.resourceVersion ?? "",
      nodeName: nodeName.isEmpty ? nil : nodeName,
      phase: wire.status?.phase ?? "",
      hostNetwork: wire.spec?.hostNetwork ?? false,
      podIPs: podIPs.isEmpty ? [wire.status?.podIP].compactMap { $0 }.filter { !$0.isEmpty } : podIPs,
      annotations: (wire.metadata?.annotations ?? [:]).filter { filter.keeps(annotation: $0.key) },
      isBeingDeleted: wire.metadata?.deletionTimestamp != nil,
      containers: assembly.containers())
  }
}

extension ContainerSpecification {
  fileprivate init(_ wire: WirePod.Container) {
    self.init(name: wire.name ?? "", hostProcess: wire.securityContext?.windowsOptions?.hostProcess)
  }
}

extension ContainerStatus {
  fileprivate init(_ wire: WirePod.ContainerStatus) {
    self.init(name: wire.name ?? "", containerID: wire.containerID ?? "")
    if wire.state?.terminated != nil {
      state = .terminated
    } else if let running = wire.state?.running {
      state = .running(startedAtUnixMilliseconds: running.startedAt.flatMap { Timestamp(rfc3339: $0)?.unixMilliseconds })
    } else {
      state = .waiting(reason: wire.state?.waiting?.reason ?? "")
    }
  }
}
