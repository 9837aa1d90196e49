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
    var name: String?
    var image: String?
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
    var image: String?
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
    var arena = TextArena()
    var assembly = ContainerListBuilder()
    assembly.podHostProcess = wire.spec?.securityContext?.windowsOptions?.hostProcess
    for (containers, kind) in [
      (wire.spec?.initContainers, ContainerRecord.Kind.initialization), (wire.spec?.containers, .regular),
      (wire.spec?.ephemeralContainers, .ephemeral),
    ] {
      for container in containers ?? [] { assembly.add(specification: ContainerRecordBuilder(container, kind, in: &arena)) }
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
    builder.isBeingDeleted = wire.metadata?.deletionTimestamp != nil
    builder.podIP = arena.add(wire.status?.podIP ?? "")
    builder.podIPs = (wire.status?.podIPs ?? []).compactMap(\.ip).map { arena.add($0) }
    builder.annotations = arena.add((wire.metadata?.annotations ?? [:]).filter { filter.keeps(annotation: $0.key) })
    let bytes = arena.bytes.span.bytes
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
  }

  fileprivate init(_ wire: WirePod.ContainerStatus, _ kind: ContainerRecord.Kind, in arena: inout TextArena) {
    self.kind = kind
    name = arena.add(wire.name ?? "")
    image = arena.add(wire.image ?? "")
    containerID = arena.add(wire.containerID ?? "")
    if wire.state?.terminated != nil {
      state = .terminated
    } else if let running = wire.state?.running {
      state = .running(startedAtUnixMilliseconds: running.startedAt.flatMap { Timestamp(rfc3339: $0)?.unixMilliseconds })
    } else {
      state = .waiting(reason: arena.add(wire.state?.waiting?.reason ?? ""))
    }
  }
}
