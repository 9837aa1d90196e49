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
  var image = 0..<0
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
  consuming func containers(in bytes: RawSpan) -> [ContainerDraft] {
    for index in specifications.indices {
      let (kind, name) = (specifications[index].kind, specifications[index].name)
      if specifications[index].hostProcess == nil { specifications[index].hostProcess = podHostProcess }
      for status in statuses where status.kind == kind && compare(status.name, name, in: bytes) == 0 {
        specifications[index].containerID = status.containerID
        specifications[index].state = status.state
        // The runtime's word for it, where the kubelet has one: `docker.io/library/nginx:1` instead of `nginx:1`.
        if !status.image.isEmpty { specifications[index].image = status.image }
        break
      }
    }
    // Most Pods have no other kind.
    if specifications.allSatisfy({ $0.kind == .regular }) { return specifications }
    return [ContainerRecord.Kind.initialization, .regular, .ephemeral].flatMap { kind in specifications.filter { $0.kind == kind } }
  }
}
