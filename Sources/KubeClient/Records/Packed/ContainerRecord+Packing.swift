internal import Primitives

/// What is said of one container, in a specification or in a status, by where its texts are in a buffer.
struct ContainerRecordBuilder {
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
struct ContainerListBuilder {
  /// The Pod's word for all containers that say nothing of their own.
  var podHostProcess: Bool?
  private var specifications: [ContainerRecordBuilder] = []
  private var statuses: [ContainerRecordBuilder] = []

  init() {
    // Enough for most Pods: to grow costs more than the room.
    specifications.reserveCapacity(4)
    statuses.reserveCapacity(4)
  }

  mutating func add(specification: ContainerRecordBuilder) { specifications.append(specification) }

  mutating func add(status: ContainerRecordBuilder) { statuses.append(status) }

  /// The containers of the specification, in the order in which they start: names are unique within a Pod, over all kinds.
  consuming func containers(in bytes: RawSpan) -> [ContainerRecordBuilder] {
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

// A container in the tail of a Pod's record: a byte of its kind, its state and more; its name; its ID; then the start, if it runs and the
// kubelet says since when, or the reason, if it waits. For the reasons that kubelets give that is no longer than the start: the record of a Pod
// whose containers come and go stays where it is in memory.

private enum PackedState: UInt8 {
  case waiting, running, terminated
  /// The start follows in seconds, in four bytes: from 1970 to 2106.
  case runningSinceSecond
  /// The start follows in milliseconds.
  case runningSince
  /// The reason is one of `usualReasons`, and its place there follows in a byte.
  case waitingAsUsual

  init(_ state: ContainerRecordBuilder.State, usualReason: UInt8?) {
    switch state {
    case .waiting: self = usualReason == nil ? .waiting : .waitingAsUsual
    case .terminated: self = .terminated
    case .running(nil): self = .running
    case .running(let startedAt?):
      self = startedAt % 1000 == 0 && UInt32(exactly: startedAt / 1000) != nil ? .runningSinceSecond : .runningSince
    }
  }
}

/// Source: pkg/kubelet/kubelet_pods.go (the first two), pkg/kubelet/container/sync_result.go, pkg/kubelet/images/types.go and
/// pkg/kubelet/kuberuntime/kuberuntime_container.go in k8s.io/kubernetes.
private let usualReasons = [
  "ContainerCreating", "PodInitializing", "CrashLoopBackOff", "RunContainerError", "ImagePullBackOff", "ErrImagePull", "ErrImageNeverPull",
  "ImageInspectError", "InvalidImageName", "RegistryUnavailable", "CreateContainerConfigError", "CreateContainerError",
]

extension ContainerRecordBuilder.State {
  fileprivate func usualReason(in buffer: RawSpan) -> UInt8? {
    guard case .waiting(let reason) = self else { return nil }
    return buffer.extracting(reason).withUnsafeBytes { reason in
      usualReasons.firstIndex { $0.utf8.count == reason.count && $0.utf8.elementsEqual(reason) }.map { UInt8($0) }
    }
  }
}

extension PackedWriter {
  mutating func append(_ container: ContainerRecordBuilder, of buffer: RawSpan) {
    let usualReason = container.state.usualReason(in: buffer)
    let state = PackedState(container.state, usualReason: usualReason)
    append(byte: container.kind.rawValue | state.rawValue << 2 | (container.hostProcess == true ? 1 << 5 : 0))
    append(text: container.name, of: buffer)
    append(buffer.extracting(container.containerID).withUnsafeBytes { ContainerID(bytes: $0) })
    switch container.state {
    case .waiting(let reason):
      if let usualReason { append(byte: usualReason) } else { append(text: reason, of: buffer) }
    case .running(let startedAt?) where state == .runningSinceSecond: append(halfWord: UInt32(startedAt / 1000))
    case .running(let startedAt?): append(word: UInt64(bitPattern: startedAt))
    case .running(nil), .terminated: break
    }
  }
}

extension PackedReader {
  /// Passes over a container but for its ID.
  mutating func skimContainer() -> ContainerID {
    let first = byte()
    _ = textBytes()
    let id = containerID()
    switch PackedState(rawValue: first >> 2 & 7) ?? .terminated {
    case .waiting: _ = textBytes()
    case .waitingAsUsual: _ = byte()
    case .runningSinceSecond: _ = halfWord()
    case .runningSince: _ = word()
    case .running, .terminated: break
    }
    return id
  }

  mutating func container() -> ContainerRecord {
    let first = byte()
    let name = text()
    let id = containerID()
    let state: ContainerRecord.State =
      switch PackedState(rawValue: first >> 2 & 7) ?? .terminated {
      case .waiting: .waiting(reason: text())
      case .waitingAsUsual: .waiting(reason: usualReasons[Int(byte())])
      case .running: .running(startedAtUnixMilliseconds: nil)
      case .runningSinceSecond: .running(startedAtUnixMilliseconds: Int64(halfWord()) * 1000)
      case .runningSince: .running(startedAtUnixMilliseconds: Int64(bitPattern: word()))
      case .terminated: .terminated
      }
    return ContainerRecord(
      name: name, kind: ContainerRecord.Kind(rawValue: first & 3) ?? .regular, id: id, state: state, hostProcess: first & 1 << 5 != 0)
  }
}

extension ContainerRecordBuilder {
  /// The texts are added to the arena.
  init(_ container: ContainerRecord, in arena: inout TextArena) {
    kind = container.kind
    name = arena.add(container.name)
    hostProcess = container.hostProcess
    containerID = arena.add(container.containerID)
    switch container.state {
    case .waiting(let reason): state = .waiting(reason: arena.add(reason))
    case .running(let startedAt): state = .running(startedAtUnixMilliseconds: startedAt)
    case .terminated: state = .terminated
    }
  }
}
