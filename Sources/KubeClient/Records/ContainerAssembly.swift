/// What a Pod's specification says of one of its containers.
struct ContainerSpecification {
  var name: String
  /// `nil` where the container leaves it to its Pod.
  var hostProcess: Bool?
}

/// What a Pod's status says of one of its containers.
struct ContainerStatus {
  var name: String
  var containerID = ""
  /// A status without a state means waiting (`ContainerState` in k8s.io/api/core/v1).
  var state = ContainerRecord.State.waiting(reason: "")
}

/// Puts together what specification and status say of the containers of one Pod, in whichever order they come.
struct ContainerAssembly {
  /// The Pod's word for all containers that say nothing of their own.
  var podHostProcess: Bool?
  private var specifications: [(ContainerSpecification, ContainerRecord.Kind)] = []
  private var statuses: [(ContainerStatus, ContainerRecord.Kind)] = []

  mutating func add(_ specification: ContainerSpecification, _ kind: ContainerRecord.Kind) {
    specifications.append((specification, kind))
  }

  mutating func add(_ status: ContainerStatus, _ kind: ContainerRecord.Kind) {
    statuses.append((status, kind))
  }

  /// The containers of the specification, in the order in which they start: names are unique within a Pod, over all kinds.
  func containers() -> [ContainerRecord] {
    [ContainerRecord.Kind.initialization, .regular, .ephemeral].flatMap { kind in
      specifications.filter { $0.1 == kind }.map { specification, _ in
        let status = statuses.first { $0.1 == kind && $0.0.name == specification.name }?.0
        return ContainerRecord(
          name: specification.name, kind: kind, containerID: status?.containerID ?? "", state: status?.state ?? .waiting(reason: ""),
          hostProcess: specification.hostProcess ?? podHostProcess ?? false)
      }
    }
  }
}
