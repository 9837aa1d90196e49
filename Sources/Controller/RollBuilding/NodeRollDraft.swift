import KubeClient
import Roll

/// One node's roll in the making.
struct NodeRollDraft {
  /// One run of a container that is within its grace, and when that ends.
  typealias Starting = [Instance: Moment]

  struct Instance: Hashable {
    var podUID: String
    var container: String
    var containerID: String
  }

  private var entries: [RollEntry] = []
  private var exempt: [ExemptEntry] = []
  private(set) var starting: Starting = [:]

  private let source: Source
  private let grace: Duration
  private let now: ClockReading
  private let wasStarting: Starting
  private let previous: NodeRoll?

  init(source: Source, grace: Duration, now: ClockReading, wasStarting: Starting, previous: NodeRoll?) {
    self.source = source
    self.grace = grace
    self.now = now
    self.wasStarting = wasStarting
    self.previous = previous
  }

  mutating func add(_ pod: PodRecord) {
    let isFinished = pod.phase == "Succeeded" || pod.phase == "Failed"
    let isIgnored = pod.annotations[Annotations.ignore] == "true"
    for container in pod.containers {
      let reference = ContainerReference(namespace: pod.namespace, pod: pod.name, container: container.name)
      guard !isFinished, case .running(let startedAt) = container.state else {
        // An init container or an ephemeral one that does not run has done its work: nobody misses it.
        if container.kind == .regular { exempt.append(ExemptEntry(reference: reference, exemption: .notRunning)) }
        continue
      }
      let instance = Instance(podUID: pod.uid, container: container.name, containerID: bareContainerID(container.containerID))
      if isIgnored {
        exempt.append(ExemptEntry(reference: reference, exemption: .ignored))
      } else if source == .windows, container.hostProcess {
        exempt.append(ExemptEntry(reference: reference, exemption: .hostProcess))
      } else if let end = endOfGrace(of: instance, startedAt: startedAt) {
        starting[instance] = end
        exempt.append(ExemptEntry(reference: reference, exemption: .starting))
      } else {
        entries.append(
          RollEntry(
            reference: reference, podUID: pod.uid, containerID: instance.containerID, hostNetwork: pod.hostNetwork,
            podIP: pod.podIPs.first))
      }
    }
  }

  func roll(of node: String, facts: NodeFacts) -> NodeRoll {
    let entries = entries.sorted { $0.reference < $1.reference }
    return NodeRoll(
      node: node, source: facts.source, address: facts.address, nodeReady: facts.ready, entries: entries,
      exempt: exempt.sorted { $0.reference < $1.reference }, hash: entries.rollHash)
  }

  /// When the container has to be collected, if that is still to come.
  ///
  /// The start is by the node's clock, which may be wrong: the grace never lasts longer than from when we first saw the container, and
  /// once fixed it does not move. A container whose start is unknown has none: its gap is a threshold away all the same.
  private func endOfGrace(of instance: Instance, startedAt: Int64?) -> Moment? {
    if let end = wasStarting[instance] { return end > now.moment ? end : nil }
    guard let startedAt else { return nil }
    let age = Duration.milliseconds(max(now.unixMilliseconds - startedAt, 0))
    return age < grace && !hasStarted(instance) ? now.moment + (grace - age) : nil
  }

  /// Whether the instance has been on the roll: its grace is over, whatever the wall clock says by now.
  private func hasStarted(_ instance: Instance) -> Bool {
    previous?.entries.contains {
      $0.containerID == instance.containerID && $0.podUID == instance.podUID && $0.reference.container == instance.container
    } == true
  }
}

/// `containerd://0123…` without the runtime's name.
func bareContainerID(_ id: String) -> String {
  guard let scheme = id.utf8.firstIndex(of: UInt8(ascii: ":")), id[scheme...].hasPrefix("://") else { return id }
  return String(id[id.index(scheme, offsetBy: 3)...])
}
