/// What is said of one container, in a specification or in a status, by where its texts are in a buffer.
struct ContainerDraft {
  enum State {
    case waiting(reason: Range<Int>)
    case running(startedAtUnixMilliseconds: Int64?)
    case terminated
  }

  var kind = ContainerRecord.Kind.regular
  var name = 0..<0
  /// `nil` where the container leaves it to its Pod.
  var hostProcess: Bool?
  var containerID = 0..<0
  /// A status without a state means waiting (`ContainerState` in k8s.io/api/core/v1).
  var state = State.waiting(reason: 0..<0)
}

/// Puts together what specification and status say of the containers of one Pod, in whichever order they come.
struct ContainerAssembly {
  /// The Pod's word for all containers that say nothing of their own.
  var podHostProcess: Bool?
  private var specifications: [ContainerDraft] = []
  private var statuses: [ContainerDraft] = []

  init() {
    // Enough for most Pods: to grow costs more than the room.
    specifications.reserveCapacity(4)
    statuses.reserveCapacity(4)
  }

  mutating func add(specification: ContainerDraft) { specifications.append(specification) }

  mutating func add(status: ContainerDraft) { statuses.append(status) }

  /// The containers of the specification, in the order in which they start: names are unique within a Pod, over all kinds.
  func containers(in bytes: RawSpan) -> [ContainerDraft] {
    var containers: [ContainerDraft] = []
    containers.reserveCapacity(specifications.count)
    for kind in [ContainerRecord.Kind.initialization, .regular, .ephemeral] {
      for var container in specifications where container.kind == kind {
        container.hostProcess = container.hostProcess ?? podHostProcess
        for status in statuses where status.kind == kind && compare(status.name, container.name, in: bytes) == 0 {
          container.containerID = status.containerID
          container.state = status.state
          break
        }
        containers.append(container)
      }
    }
    return containers
  }
}
