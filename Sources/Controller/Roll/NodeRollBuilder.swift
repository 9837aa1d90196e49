internal import Crypto
import KubeClient
internal import Primitives
import Roll

/// Builds the roll of one node from its pods.
struct NodeRollBuilder {
  /// Container instances within their grace period, and when it ends.
  typealias Starting = [Instance: Moment]

  struct Instance: Hashable {
    var podUID: String
    var container: String
    var containerID: String
  }

  private struct PodPart {
    var pod: RollPod
    var containers: [RollContainer]
  }

  private var pods: [PodPart] = []
  private var exempt: [ExemptEntry] = []
  private(set) var starting: Starting = [:]

  private let source: Source
  private let grace: Duration
  private let now: ClockReading
  private let wasStarting: Starting
  private let previous: NodeRoll?
  private let containerNames: NameTable

  init(
    source: Source, grace: Duration, now: ClockReading, wasStarting: Starting, previous: NodeRoll?, containerNames: NameTable
  ) {
    self.source = source
    self.grace = grace
    self.now = now
    self.wasStarting = wasStarting
    self.previous = previous
    self.containerNames = containerNames
  }

  mutating func add(_ pod: PodRecord) {
    let phase = pod.phase
    let isFinished = phase == "Succeeded" || phase == "Failed"
    let isIgnored = pod.annotations[Annotations.ignore] == "true"
    var part = PodPart(pod: RollPod(identity: pod.identity, address: pod.address, hostNetwork: pod.hostNetwork), containers: [])
    func exempt(_ container: ContainerRecord, _ exemption: Exemption) -> ExemptEntry {
      ExemptEntry(
        reference: ContainerReference(namespace: pod.namespace, pod: pod.name, container: container.name), exemption: exemption)
    }
    for container in pod.containers {
      guard !isFinished, case .running(let startedAt) = container.state else {
        // A stopped init or ephemeral container is not expected to run, so it needs no exemption.
        if container.kind == .regular { self.exempt.append(exempt(container, .notRunning)) }
        continue
      }
      if isIgnored {
        self.exempt.append(exempt(container, .ignored))
      } else if source == .windows, container.hostProcess {
        self.exempt.append(exempt(container, .hostProcess))
      } else if let (instance, end) = grace(of: container, in: pod, startedAt: startedAt) {
        starting[instance] = end
        self.exempt.append(exempt(container, .starting))
      } else {
        part.containers.append(RollContainer(name: containerNames.name(container.name), id: container.id.bare))
      }
    }
    if !part.containers.isEmpty { pods.append(part) }
  }

  func roll(of node: String, facts: NodeFacts) -> NodeRoll {
    var entries = RollEntries(reservingPods: pods.count, containers: pods.reduce(0) { $0 + $1.containers.count })
    for part in pods.sorted(by: { $0.pod.identity < $1.pod.identity }) {
      entries.append(part.pod, part.containers.sorted { $0.name < $1.name })
    }
    return NodeRoll(
      node: node, source: facts.source, address: facts.address, nodeReady: facts.ready, entries: entries,
      exempt: exempt.sorted { $0.reference < $1.reference }, hash: entries.rollHash)
  }

  /// The end of the container's grace period; `nil` if it has passed.
  ///
  /// The start time is by the node's clock, which may be wrong. The end is therefore at most `grace` after the container was first seen,
  /// and never changes. A container without a start time has no grace period; it still becomes a gap only after the threshold.
  private func grace(
    of container: ContainerRecord, in pod: PodRecord, startedAt: Int64?
  ) -> (instance: Instance, end: Moment)? {
    let age = startedAt.map { Duration.milliseconds(max(now.unixMilliseconds - $0, 0)) }
    let isYoung = age.map { $0 < grace } ?? false
    guard isYoung || !wasStarting.isEmpty else { return nil }

    let instance = Instance(podUID: pod.uid, container: container.name, containerID: container.id.bare.description)
    if let end = wasStarting[instance] { return end > now.moment ? (instance, end) : nil }
    guard let age, isYoung, !hasStarted(instance, in: pod) else { return nil }
    return (instance, now.moment + (grace - age))
  }

  /// Whether the instance has been on the roll. If so, its grace period is over even if the wall clock was set back.
  private func hasStarted(_ instance: Instance, in pod: PodRecord) -> Bool {
    let reference = ContainerReference(namespace: pod.namespace, pod: pod.name, container: instance.container)
    guard let previous, let index = previous.entries.index(of: reference) else { return false }
    let entry = previous.entries[index]
    return entry.podUID == instance.podUID && entry.containerID == instance.containerID
  }
}

extension NameTable {
  fileprivate func name(_ text: String) -> Name {
    var text = text
    return text.withUTF8 { name(UnsafeRawBufferPointer($0)) }
  }
}

extension RollEntries {
  /// SHA-256 of the entries in order, in hexadecimal. Strings are prefixed with their length, so that shifting bytes between adjacent
  /// strings changes the hash.
  var rollHash: String {
    var hash = SHA256()
    var buffer: [UInt8] = []
    func append(_ text: String, to buffer: inout [UInt8]) {
      Swift.withUnsafeBytes(of: UInt32(text.utf8.count).littleEndian) { buffer.append(contentsOf: $0) }
      buffer.append(contentsOf: text.utf8)
    }
    for entry in self {
      buffer.removeAll(keepingCapacity: true)
      append(entry.reference.namespace, to: &buffer)
      append(entry.reference.pod, to: &buffer)
      append(entry.reference.container, to: &buffer)
      append(entry.podUID, to: &buffer)
      append(entry.containerID, to: &buffer)
      append(entry.podIP ?? "", to: &buffer)
      buffer.append(entry.hostNetwork ? 1 : 0)
      hash.update(data: buffer)
    }
    let digits = [UInt8]("0123456789abcdef".utf8)
    return String(decoding: hash.finalize().flatMap { byte -> [UInt8] in [digits[Int(byte >> 4)], digits[Int(byte & 15)]] }, as: UTF8.self)
  }
}
