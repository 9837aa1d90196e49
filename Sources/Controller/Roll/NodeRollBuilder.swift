internal import Crypto
import KubeClient
internal import Primitives
import Roll

/// Builds the roll of one node from its pods.
struct NodeRollBuilder {
  /// Containers within their grace period.
  typealias Starting = [PodContainer: Grace]

  struct Grace: Hashable {
    var end: Moment
    /// A policy that changes it moves the end.
    var length: Duration
  }

  /// A container of a pod, across restarts.
  struct PodContainer: Hashable {
    var podUID: String
    var container: String
  }

  /// What the roll of a node is built with.
  struct Context {
    var facts: NodeFacts
    var rules: ExemptionRules
    var grace: Duration
    var now: ClockReading
    var wasStarting: Starting
    var previous: NodeRoll?
    var containerNames: NameTable
  }

  private struct PodPart {
    var pod: RollPod
    var containers: [RollContainer]
    var terms: ContainerTerms?
  }

  /// How long a pod may exist after its deletion timestamp. The kubelet stops a pod within seconds after its grace period, and the
  /// timestamp is by the API server's clock.
  private static let terminationMargin: Duration = .seconds(10)

  private let context: Context
  private var pods: [PodPart] = []
  private var exempt: [ExemptEntry] = []
  private var selections: [[String]: Int] = [:]
  private(set) var starting: Starting = [:]
  /// When the roll changes by the passage of time.
  private(set) var nextChange: Moment?

  init(_ context: Context) {
    self.context = context
  }

  /// - Parameter decision: what policies say about the Pod.
  mutating func add(_ pod: PodRecord, _ decision: PolicyDecision = .none) {
    let isFinished = pod.phase == "Succeeded" || pod.phase == "Failed"
    let exemption = exemption(of: pod, decision)
    let termination = isFinished ? nil : termination(of: pod)
    let grace = decision.grace?.value ?? context.grace
    var part = PodPart(
      pod: RollPod(identity: pod.identity, address: pod.address, hostNetwork: pod.hostNetwork), containers: [], terms: decision.terms)
    defer { count(part, decision, exemption) }
    for container in pod.containers {
      let isRunning = if case .running = container.state { true } else { false }
      // The kubelet restarts no container of a pod that is finished or being deleted.
      guard !isFinished, isRunning || container.restarts && termination == nil else {
        // A stopped init or ephemeral container is not expected to run, so it needs no exemption.
        if container.kind == .regular || container.kind == .sidecar { exempt(container, of: pod, .notRunning) }
        continue
      }
      if exemption != .ignored, exemption != .policy, context.facts.source == .windows, container.hostProcess {
        exempt(container, of: pod, .hostProcess)
      } else if let exemption {
        exempt(container, of: pod, exemption)
      } else {
        let notDue = termination ?? (isRunning ? isStarting(container, of: pod, grace: grace) ? .starting : nil : .restarting)
        part.containers.append(
          RollContainer(name: context.containerNames.name(container.name), id: container.id.bare, notDue: notDue))
      }
    }
    if !part.containers.isEmpty { pods.append(part) }
  }

  func roll(of node: String) -> NodeRoll {
    let facts = context.facts
    var entries = RollEntries(reservingPods: pods.count, containers: pods.reduce(0) { $0 + $1.containers.count })
    var terms = RollTerms()
    for part in pods.sorted(by: { $0.pod.identity < $1.pod.identity }) {
      entries.append(part.pod, part.containers.sorted { $0.name < $1.name })
      if !selections.isEmpty { terms.append(part.terms, entries: part.containers.count) }
    }
    terms.close()
    var roll = NodeRoll(
      node: node, source: facts.source, address: facts.address, nodeReady: facts.ready, entries: entries,
      exempt: exempt.sorted { $0.reference < $1.reference }, hash: entries.rollHash)
    roll.exemption = facts.exemption
    roll.terms = terms
    roll.selections = selections
    return roll
  }

  /// Counts the containers that policies select: those that are called, and those that are not by their exemption.
  private mutating func count(_ part: PodPart, _ decision: PolicyDecision, _ exemption: Exemption?) {
    guard !decision.policies.isEmpty else { return }
    let reference = (namespace: part.pod.identity.namespace.description, pod: part.pod.identity.name)
    var count = part.containers.count
    if exemption != nil {
      count += exempt.reversed().prefix { $0.reference.namespace == reference.namespace && $0.reference.pod == reference.pod }
        .count { $0.exemption == exemption }
    }
    if count > 0 { selections[decision.policies, default: 0] += count }
  }

  /// Why the pod's containers are not called, if they are not. A policy comes before annotations and settings, but does not make a node
  /// collectable.
  private func exemption(of pod: PodRecord, _ decision: PolicyDecision) -> Exemption? {
    let (facts, rules) = (context.facts, context.rules)
    if facts.exemption == .ignored { return .ignored }
    if decision.exemption != nil { return .policy }
    if !decision.requiresCollection {
      if pod.annotations[Annotations.ignore] == "true" { return .ignored }
      if !rules.ignoredNamespaces.isEmpty, rules.ignoredNamespaces.contains(pod.namespace) { return .ignored }
    }
    if let exemption = facts.exemption { return exemption }
    if facts.source == .linux, let name = pod.runtimeClassName, rules.isSandboxed(runtimeClass: name) { return .sandboxedRuntime }
    return nil
  }

  private mutating func exempt(_ container: ContainerRecord, of pod: PodRecord, _ exemption: Exemption) {
    exempt.append(
      ExemptEntry(
        reference: ContainerReference(namespace: pod.namespace, pod: pod.name, container: container.name), exemption: exemption))
  }

  /// Why nothing is due from the pod's containers if it is being deleted. Its deletion timestamp is the end of its grace period.
  private mutating func termination(of pod: PodRecord) -> Exemption? {
    guard let deletion = pod.deletionTimestamp else { return nil }
    let left = Self.left(untilUnixSeconds: deletion, at: context.now) + Self.terminationMargin
    guard left > .zero else { return .terminationOverdue }
    changes(at: context.now.moment + left)
    return .terminating
  }

  /// Whether the container is within its grace period, which it has once: a restart does not start another.
  ///
  /// The start time is by the node's clock, which may be wrong. The end is therefore at most `grace` after the container was first seen,
  /// and does not move unless a policy changes the length. A container without a start time has no grace period; it still becomes a gap only after the threshold.
  private mutating func isStarting(_ container: ContainerRecord, of pod: PodRecord, grace: Duration) -> Bool {
    guard !container.restarts, let end = endOfGrace(of: container, in: pod, grace: grace) else { return false }
    starting[PodContainer(podUID: pod.uid, container: container.name)] = Grace(end: end, length: grace)
    changes(at: end)
    return true
  }

  /// The end of the grace period; `nil` if it has passed.
  private func endOfGrace(of container: ContainerRecord, in pod: PodRecord, grace: Duration) -> Moment? {
    let now = context.now
    guard case .running(let startedAt) = container.state else { return nil }
    let age = startedAt.map { Duration.milliseconds(max(now.unixMilliseconds - $0, 0)) }
    let isYoung = age.map { $0 < grace } ?? false
    guard isYoung || !context.wasStarting.isEmpty else { return nil }

    if let known = context.wasStarting[PodContainer(podUID: pod.uid, container: container.name)] {
      let end = known.end + (grace - known.length)
      return end > now.moment ? end : nil
    }
    guard let age, isYoung, !hasStarted(container, in: pod) else { return nil }
    return now.moment + (grace - age)
  }

  /// Whether the container has been on the roll. If so, its grace period is over even if the wall clock was set back.
  private func hasStarted(_ container: ContainerRecord, in pod: PodRecord) -> Bool {
    let reference = ContainerReference(namespace: pod.namespace, pod: pod.name, container: container.name)
    guard let previous = context.previous, let index = previous.entries.index(of: reference) else { return false }
    return previous.entries[index].podUID == pod.uid
  }

  private mutating func changes(at moment: Moment) {
    nextChange = min(nextChange ?? moment, moment)
  }

  /// The time until a time of day, at least -1 day and at most a year, so that no absurd time overflows.
  private static func left(untilUnixSeconds seconds: Int64, at now: ClockReading) -> Duration {
    let nowSeconds = now.unixMilliseconds / 1000
    return .milliseconds(min(max(seconds, nowSeconds - 86_400), nowSeconds + 31_536_000) * 1000 - now.unixMilliseconds)
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
