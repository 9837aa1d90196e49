internal import Primitives

/// The fields of one container, from its spec or its status, as ranges in a buffer.
struct ContainerRecordBuilder {
  enum State {
    case waiting(reason: Range<Int>)
    case running(startedAtUnixMilliseconds: Int64?)
    case terminated(exitCode: Int64)
  }

  /// `restartPolicy` of a Pod or a container.
  enum RestartPolicy {
    case always, onFailure, never
  }

  /// An element of `restartPolicyRules` with the action `Restart`, which is the only one.
  struct RestartRule {
    /// Whether the rule applies to all other exit codes: the operator `NotIn`.
    var isInverted = false
    var exitCodes: [Int64] = []
  }

  /// Not `sidecar` before specification and status are joined: both are in the list of init containers.
  var kind = ContainerRecord.Kind.regular
  var name = 0..<0
  /// `nil` if the container inherits it from the Pod.
  var hostProcess: Bool?
  var containerID = 0..<0
  var image = 0..<0
  /// Empty unless the facts for scrapes are kept.
  var ports: [ContainerPortBuilder] = []
  /// A status without a state means waiting (`ContainerState` in k8s.io/api/core/v1).
  var state = State.waiting(reason: 0..<0)
  /// `nil` if the container has the Pod's policy.
  var restartPolicy: RestartPolicy?
  var restartRules: [RestartRule] = []
  /// Whether the status has an earlier instance.
  var hasRunBefore = false
  var restarts = false
}

/// Joins the specs and statuses of a Pod's containers, which arrive in any order.
struct ContainerListBuilder {
  /// The Pod's default for its containers.
  var podHostProcess: Bool?
  /// The default of the API.
  var podRestartPolicy = ContainerRecordBuilder.RestartPolicy.always
  private var specifications: [ContainerRecordBuilder] = []
  private var statuses: [ContainerRecordBuilder] = []

  init() {
    // Enough for most Pods; growing would cost more than the memory.
    specifications.reserveCapacity(4)
    statuses.reserveCapacity(4)
  }

  mutating func add(specification: ContainerRecordBuilder) { specifications.append(specification) }

  mutating func add(status: ContainerRecordBuilder) { statuses.append(status) }

  /// Returns the containers in start order. Names are unique within a Pod, across all kinds.
  consuming func containers(in bytes: RawSpan) -> [ContainerRecordBuilder] {
    for index in specifications.indices {
      let (kind, name) = (specifications[index].kind, specifications[index].name)
      if specifications[index].hostProcess == nil { specifications[index].hostProcess = podHostProcess }
      for status in statuses where status.kind == kind && compare(status.name, name, in: bytes) == 0 {
        specifications[index].containerID = status.containerID
        specifications[index].state = status.state
        specifications[index].hasRunBefore = status.hasRunBefore
        // The runtime's name, if reported: `docker.io/library/nginx:1` instead of `nginx:1`.
        if !status.image.isEmpty { specifications[index].image = status.image }
        break
      }
      specifications[index].restarts = specifications[index].restarts(podPolicy: podRestartPolicy)
      if kind == .initialization, specifications[index].restartPolicy == .always { specifications[index].kind = .sidecar }
    }
    // The case of most Pods.
    if specifications.allSatisfy({ $0.kind == .regular }) { return specifications }
    return [[ContainerRecord.Kind.initialization, .sidecar], [.regular], [.ephemeral]].flatMap { kinds in
      specifications.filter { kinds.contains($0.kind) }
    }
  }
}

extension ContainerRecordBuilder.RestartPolicy {
  /// - Returns: `nil` for no policy, and for one that the kubelet does not know, which it ignores.
  init?(_ text: String) {
    switch text {
    case "Always": self = .always
    case "OnFailure": self = .onFailure
    case "Never": self = .never
    default: return nil
    }
  }
}

extension ContainerRecordBuilder {
  /// Decides as the kubelet: `ContainerShouldRestart` in pkg/api/v1/pod/util.go, and `computeInitContainerActions` in
  /// pkg/kubelet/kuberuntime/kuberuntime_container.go of k8s.io/kubernetes. While a container that has stopped is started again, the
  /// kubelet reports it as waiting.
  fileprivate func restarts(podPolicy: RestartPolicy) -> Bool {
    if kind == .ephemeral { return false }
    switch state {
    case .running, .waiting: return hasRunBefore
    case .terminated(let exitCode):
      if restartRules.contains(where: { $0.exitCodes.contains(exitCode) != $0.isInverted }) { return true }
      switch restartPolicy ?? podPolicy {
      // An init container that has succeeded is done, unless it is a sidecar.
      case .always: return kind == .regular || restartPolicy == .always || exitCode != 0
      case .onFailure: return exitCode != 0
      case .never: return false
      }
    }
  }
}

// A container in the tail of a Pod's record: a byte of kind, state and flags; the name; the ID; then the start time of a running container,
// or the reason of a waiting one. The usual reasons of kubelets are no longer than a start time, so a record keeps its size, and its
// memory, while containers start and stop.

private enum PackedState: UInt8 {
  case waiting, running, terminated
  /// Followed by seconds since 1970 in four bytes, until 2106.
  case runningSinceSecond
  /// Followed by milliseconds since 1970 in eight bytes.
  case runningSince
  /// Followed by an index into `usualReasons` in one byte.
  case waitingForUsualReason

  init(_ state: ContainerRecordBuilder.State, usualReason: UInt8?) {
    switch state {
    case .waiting: self = usualReason == nil ? .waiting : .waitingForUsualReason
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
    append(
      byte: container.kind.rawValue | state.rawValue << 2 | (container.hostProcess == true ? 1 << 5 : 0)
        | (container.restarts ? 1 << 6 : 0))
    append(text: container.name, of: buffer)
    append(buffer.extracting(container.containerID).withUnsafeBytes { ContainerStatusID(bytes: $0) })
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
  /// Skips a container and returns its ID.
  mutating func skipContainer() -> ContainerStatusID {
    let first = byte()
    _ = textBytes()
    let id = containerID()
    switch PackedState(rawValue: first >> 2 & 7) ?? .terminated {
    case .waiting: _ = textBytes()
    case .waitingForUsualReason: _ = byte()
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
      case .waitingForUsualReason: .waiting(reason: usualReasons[Int(byte())])
      case .running: .running(startedAtUnixMilliseconds: nil)
      case .runningSinceSecond: .running(startedAtUnixMilliseconds: Int64(halfWord()) * 1000)
      case .runningSince: .running(startedAtUnixMilliseconds: Int64(bitPattern: word()))
      case .terminated: .terminated
      }
    return ContainerRecord(
      name: name, kind: ContainerRecord.Kind(rawValue: first & 3) ?? .regular, id: id, state: state, restarts: first & 1 << 6 != 0,
      hostProcess: first & 1 << 5 != 0)
  }
}

extension ContainerRecordBuilder {
  /// Adds the texts to the arena.
  init(_ container: ContainerRecord, in arena: inout TextArena) {
    kind = container.kind
    name = arena.add(container.name)
    hostProcess = container.hostProcess
    restarts = container.restarts
    containerID = arena.add(container.containerID)
    switch container.state {
    case .waiting(let reason): state = .waiting(reason: arena.add(reason))
    case .running(let startedAt): state = .running(startedAtUnixMilliseconds: startedAt)
    // A record does not keep the exit code.
    case .terminated: state = .terminated(exitCode: 0)
    }
  }
}
