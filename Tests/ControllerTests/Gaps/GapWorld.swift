import Controller
import KubeClient
import Primitives
import Roll

/// A small cluster in virtual time, with the faults of real ones: agents that are down, containers that the agent does not find or that
/// restart, Pods that are deleted, watches that are cut, controllers that are killed, and wall clocks that are set. A controller made of
/// the real parts that decide (rolls, ledger, archive, alerts) watches it.
///
/// `problems` compares the open gaps, and the alerts that are active in Alertmanager, with what an observer with perfect knowledge would
/// report.
struct GapWorld {
  static let step: Duration = .seconds(5)
  static let interval: Duration = .seconds(15)
  static let threshold: Duration = .seconds(60)
  static let grace: Duration = .seconds(20)
  /// After this long a gap must have opened or closed: two intervals, and a step for what the steps of this model round.
  static let slack: Duration = interval * 2 + step
  /// Additional delay for each change of leader: what was not archived, the pause between two writes and one interval, and the time without
  /// a leader.
  static let handOver: Duration = .seconds(60)
  /// An age below this may not be archived when a leader ends.
  private static let unarchived: Duration = interval * 2 + step
  /// The time after the end of a fault until everything is as without it: the rolls settle and every node is called.
  static let recovery: Duration = interval * 3 + step

  private static let nodeNames = ["n0", "n1", "n2"]
  private static let nodes = Records(nodeNames.map { nodeRecord($0) })
  private static let epoch: Int64 = 1_767_225_600_000

  private static let stalenessLimit = min(interval * 3, threshold / 2)

  // MARK: The cluster

  private struct Instance: Equatable {
    var number: Int
    var startedAt: Moment
  }

  private struct Container: Equatable {
    enum State: Equatable { case waiting, running, restarting(until: Moment), finished }
    var name: String
    var state = State.waiting
    var instance = Instance(number: 0, startedAt: Moment(milliseconds: 0))
    /// Whether the agent can find its process.
    var isHidden = false
  }

  private struct Pod: Equatable {
    var name: String
    var uid: String
    var node: String
    var containers: [Container]
    var deletion: Moment?
    /// Whether its containers are stopped, once it is being deleted.
    var isStopped = false
  }

  private var random: SplitMix64
  private(set) var now = Moment(milliseconds: 10_000_000)
  private var wallOffset: Int64 = 0
  private var pods: [Pod] = []
  private var isAgentDown: Set<String> = []
  private var number = 0
  private(set) var log: [String] = []

  // MARK: The controller

  /// One process. Its clock starts at 0.
  private struct Controller {
    let start: Moment
    var ledger = Ledger(threshold: GapWorld.threshold)
    var builder = RollBuilder(settings: RollSettings(grace: GapWorld.grace, virtualNodes: []))
    var schedule = GapArchiveSchedule(written: nil)
    var staleUntil: Moment?
    var wasRestored = false
    /// The Pods as its rolls have them, by node.
    var known: [String: [Pod]]?
  }

  private var controller: Controller?
  private var nextLeaderAt: Moment?
  private var isWatchCut = false
  private var cutSince: Moment?
  /// The Pods as last received by a watch.
  private var viewed: [Pod] = []
  private var view = Records<PodRecord>([])
  private var archive: [ArchivedAge] = []
  private var delivery = AlertDelivery()
  private(set) var mostGaps = 0
  private(set) var mostAlerts = 0
  /// When the wall clock was last set. An archive with times by the old clock is useless until it is written again, so the leader ends only
  /// some time later.
  private var clockSetAt: Moment?

  // MARK: The observer

  /// What the observer knows of one container of a Pod.
  private struct Truth {
    var reference: ContainerReference
    var node: String
    /// When it first ran.
    var firstRun: Moment?
    /// It is due and cannot be collected since this moment: at `threshold` it has to be a gap.
    var badSince: Moment?
    /// The earliest moment from which a controller may count, which calls only once per interval and may have no roll: it can be a gap at
    /// `threshold`.
    var mayCountSince: Moment?
    /// It can be collected, or need not be, since this moment.
    var goodSince: Moment?
    /// Whether it was missing on its node at any time since `badSince`: with a cut watch it may be gone.
    var wasMissing = false
    /// Whether it restarted while the watch was cut: the controller looks for an instance that is gone.
    var isUnseen = false
    /// The instance that runs, or ran last, whether it could be collected at any time, and whether the watch could show it running.
    var instance = 0
    var wasCollectable = false
    var wasSeen = false
    /// Whether it waits for a restart after such a run.
    var isIdle = false
    /// Since when it is gone, finished or being deleted.
    var goneSince: Moment?
    /// Changes of leader since `badSince`.
    var handOvers = 0
    /// Whether it could be a gap when it was last expected; `nil` while it is expected.
    var couldBeGap: Bool?
    /// Since when it must be a gap.
    var overdueSince: Moment?

    func mayBeGap(at now: Moment) -> Bool {
      couldBeGap ?? mayCountSince.map { now - $0 > GapWorld.threshold - GapWorld.interval - GapWorld.step } ?? false
    }
  }

  private var truths: [String: Truth] = [:]
  /// When each container could last be a gap.
  private var lastAllowed: [ContainerReference: Moment] = [:]
  /// The nodes on which Pods of that name have run.
  private var nodesOfContainers: [ContainerReference: Set<String>] = [:]
  /// Since when there is a leader and its watch is in sync.
  private var healthySince: Moment?
  /// When a leader last ended, and since when its watch was in sync then.
  private var leaderEndedAt: Moment?
  private var endedLeaderHealthySince = Moment(milliseconds: 0)
  /// Since when there is a leader.
  private var ledSince: Moment?

  init(seed: UInt64) {
    random = SplitMix64(seed: seed)
    for _ in 0..<6 { addPod() }
    controller = Controller(start: now)
  }

  private mutating func chance(_ percent: Double) -> Bool { Double.random(in: 0..<100, using: &random) < percent }

  private mutating func note(_ text: String) { log.append("\(now.milliseconds / 1000): \(text)") }

  private mutating func addPod() {
    number += 1
    let node = Self.nodeNames.randomElement(using: &random) ?? "n0"
    // Names are used again, as in a StatefulSet.
    let name = chance(50) && !pods.contains { $0.name == "db-0" } ? "db-0" : "web-\(number)"
    pods.append(
      Pod(
        name: name, uid: "uid-\(number)", node: node, containers: [Container(name: "app")] + (chance(30) ? [Container(name: "side")] : [])))
    note("pod \(name) uid-\(number) on \(node)")
  }

  // MARK: Faults

  private mutating func act() {
    switch Int.random(in: 0..<100, using: &random) {
    case 0..<6: addPod()
    case 6..<12:
      guard let index = pods.indices.randomElement(using: &random), pods[index].deletion == nil else { return }
      pods[index].deletion = now + .seconds(Int.random(in: 0...6, using: &random) * 5)
      note("delete \(pods[index].name) \(pods[index].uid)")
    case 12..<20:
      guard let node = Self.nodeNames.randomElement(using: &random) else { return }
      if isAgentDown.remove(node) == nil { isAgentDown.insert(node) }
      note("agent of \(node) \(isAgentDown.contains(node) ? "down" : "up")")
    case 20..<28:
      guard let pod = pods.indices.randomElement(using: &random) else { return }
      let container = Int.random(in: 0..<pods[pod].containers.count, using: &random)
      pods[pod].containers[container].isHidden.toggle()
      note("\(pods[pod].name)/\(pods[pod].containers[container].name) hidden \(pods[pod].containers[container].isHidden)")
    case 28..<44:
      guard let pod = pods.indices.randomElement(using: &random) else { return }
      let container = Int.random(in: 0..<pods[pod].containers.count, using: &random)
      guard pods[pod].containers[container].state == .running else { return }
      let wait = [0, 5, 10, 40, 120].randomElement(using: &random) ?? 0
      pods[pod].containers[container].state = chance(10) ? .finished : .restarting(until: now + .seconds(wait))
      note("\(pods[pod].name)/\(pods[pod].containers[container].name) stops: \(pods[pod].containers[container].state)")
    case 44..<50:
      if !isWatchCut, cutSince == nil {
        isWatchCut = true
        cutSince = now
        note("watch cut")
      }
    case 50..<60:
      if isWatchCut {
        isWatchCut = false
        note("watch back")
      }
    case 60..<64:
      guard controller != nil, !isWatchCut, clockSetAt.map({ now - $0 > .seconds(40) }) ?? true else { return }
      let isGraceful = chance(50)
      if isGraceful { archiveNow() }
      controller = nil
      leaderEndedAt = now
      endedLeaderHealthySince = healthySince ?? now
      nextLeaderAt = now + .seconds(isGraceful ? 0 : Int.random(in: 0...3, using: &random) * 5)
      note("leader \(isGraceful ? "ends" : "is killed")")
    case 64..<67:
      guard controller != nil else { return }
      wallOffset += (chance(50) ? 1 : -1) * Int64.random(in: 1...3600, using: &random) * 1000
      clockSetAt = now
      note("clock is off by \(wallOffset / 1000) s")
    default: break
    }
  }

  /// Lets containers start, restart and end.
  private mutating func live() {
    for pod in pods.indices {
      if let deletion = pods[pod].deletion, now >= deletion { pods[pod].isStopped = true }
      for container in pods[pod].containers.indices where !pods[pod].isStopped {
        switch pods[pod].containers[container].state {
        case .waiting where chance(60), .restarting(until: ...now):
          pods[pod].containers[container].state = .running
          pods[pod].containers[container].instance.number += 1
          pods[pod].containers[container].instance.startedAt = now
        default: break
        }
      }
    }
    for pod in pods where pod.isStopped && pod.deletion.map({ now - $0 > .seconds(10) }) ?? false {
      note("\(pod.name) \(pod.uid) is gone")
    }
    pods.removeAll { pod in pod.isStopped && pod.deletion.map { now - $0 > .seconds(10) } ?? false }
  }

  // MARK: What the controller sees and does

  private func record(_ pod: Pod) -> PodRecord {
    PodRecord(
      namespace: "shop", name: pod.name, uid: pod.uid, nodeName: pod.node, phase: "Running",
      deletionTimestamp: pod.deletion.map { Self.unix($0, 0) / 1000 },
      containers: pod.containers.map { container in
        let id = container.instance.number == 0 ? "" : Self.id(pod, container)
        return switch container.state {
        case .waiting: ContainerRecord(name: container.name)
        case .running:
          ContainerRecord(
            name: container.name, containerID: id,
            state: .running(startedAtUnixMilliseconds: Self.unix(container.instance.startedAt, 0)))
        case .restarting:
          ContainerRecord(name: container.name, containerID: id, state: .waiting(reason: "CrashLoopBackOff"), restarts: true)
        case .finished: ContainerRecord(name: container.name, containerID: id, state: .terminated)
        }
      })
  }

  private static func id(_ pod: Pod, _ container: Container) -> String {
    "\(pod.uid)-\(container.name)-\(container.instance.number)"
  }

  private static func unix(_ moment: Moment, _ offset: Int64) -> Int64 { epoch + moment.milliseconds + offset }

  private func reading(_ controller: Controller) -> ClockReading {
    ClockReading(
      moment: Moment(milliseconds: now.milliseconds - controller.start.milliseconds), unixMilliseconds: Self.unix(now, wallOffset))
  }

  private static let archivePolicy = ArchivePolicy(uncollected: interval, unscraped: threshold / 2)

  private mutating func archiveNow() {
    guard let controller else { return }
    archive = controller.ledger.archivedAges(at: reading(controller), policy: Self.archivePolicy).oldest
  }

  private mutating func control() {
    if controller == nil, let start = nextLeaderAt, now >= start, !isWatchCut {
      controller = Controller(start: now)
      note("new leader")
      for key in truths.keys { truths[key]?.handOvers += 1 }
    }
    if !isWatchCut, viewed != pods {
      viewed = pods
      view = Records(pods.map(record))
    }
    guard var controller else { return }
    defer { self.controller = controller }
    let reading = reading(controller)
    let moment = reading.moment

    // The roll counts as stale after three intervals or half a threshold, and until each node was called with its new roll.
    if isWatchCut, let since = cutSince, now - since >= Self.stalenessLimit {
      controller.staleUntil = moment + Self.interval
    } else if !isWatchCut, let end = controller.staleUntil, moment >= end {
      controller.staleUntil = nil
    }
    controller.ledger.setRollStale(controller.staleUntil != nil)

    let known = controller.known
    controller.known = Dictionary(grouping: viewed, by: \.node)
    let changed = Self.nodeNames.filter { known?[$0] != controller.known?[$0] }
    let changes = controller.builder.update(
      nodes: Self.nodes, nodeChange: known == nil ? .all : nil, pods: view, podChange: .keys(Set(changed.map { ObjectKey(name: $0) })),
      at: reading)
    for change in changes {
      switch change {
      case .changed(let roll): _ = controller.ledger.update(roll, at: moment)
      case .removed(let node): _ = controller.ledger.remove(node: node, at: moment)
      }
    }
    if !controller.wasRestored {
      controller.wasRestored = true
      controller.ledger.restore(archive, at: reading)
      _ = controller.ledger.settleRestored(at: moment)
      delivery.takeOver(controller.ledger.gapsByNode().joined(), at: now)
    }
    for (index, node) in Self.nodeNames.enumerated() where (now.milliseconds / 5000 + Int64(index)) % 3 == 0 {
      guard let roll = controller.ledger.nodes[node]?.roll else { continue }
      _ = controller.ledger.record(call(roll), of: roll, at: moment)
    }
    _ = controller.ledger.evaluate(at: moment)
    mostGaps = max(mostGaps, controller.ledger.openGapCount)
    delivery.send(controller.ledger.gapsOfNodes(at: moment), at: now, reading: reading, wallClock: Self.unix(now, 0))
    let fingerprint = controller.ledger.archiveFingerprint(at: moment, policy: Self.archivePolicy)
    if !isWatchCut, controller.schedule.isDue(fingerprint, at: reading) {
      controller.schedule.attempted(fingerprint, succeeded: true, at: reading)
      archive = controller.ledger.archivedAges(at: reading, policy: Self.archivePolicy).oldest
    }
  }

  /// The node's answers.
  private func call(_ roll: NodeRoll) -> RollCall {
    let running = Set(
      pods.lazy.filter { $0.node == roll.node && !$0.isStopped }.flatMap { pod in
        pod.containers.filter { $0.state == .running && !$0.isHidden }.map { Self.id(pod, $0) }
      })
    return RollCall(
      answers: roll.entries.map { entry in
        if isAgentDown.contains(roll.node) { return .missed(.agentUnreachable, detail: "") }
        return running.contains(entry.containerID) ? .collected(age: .zero) : .missed(.pidNotFound, detail: "")
      }, lastScrape: .notObservable)
  }

  // MARK: What the observer knows

  private mutating func observe() {
    let isKnown = controller != nil && !isWatchCut
    healthySince = isKnown ? healthySince ?? now : nil
    ledSince = controller == nil ? nil : ledSince ?? now
    var present: Set<String> = []
    for pod in pods {
      for container in pod.containers {
        let key = "\(pod.uid)/\(container.name)"
        present.insert(key)
        let reference = ContainerReference(namespace: "shop", pod: pod.name, container: container.name)
        observe(container, of: pod, &truths[key, default: Truth(reference: reference, node: pod.node)])
      }
    }
    for key in truths.keys where !present.contains(key) {
      if let truth = truths[key] { truths[key] = unexpected(truth) }
      if truths[key]?.mayCountSince == nil { truths[key] = nil }
    }
  }

  private func observe(_ container: Container, of pod: Pod, _ truth: inout Truth) {
    let isRunning = container.state == .running && !pod.isStopped
    // A container is not due before the controller can know it.
    if isRunning, truth.firstRun == nil, !isWatchCut { truth.firstRun = now }
    let isCollectable = isRunning && !container.isHidden && !isAgentDown.contains(pod.node)
    let isRestarting = if case .restarting = container.state { true } else { false }
    guard pod.deletion == nil, let firstRun = truth.firstRun, isRunning || isRestarting else {
      truth = unexpected(truth)
      return
    }
    truth.couldBeGap = nil
    truth.goneSince = nil
    if isRestarting || container.instance.number != truth.instance, let good = truth.goodSince {
      // The run may have been too short for a call.
      if now - good < Self.slack { truth.mayCountSince = truth.mayCountSince ?? good }
      truth.goodSince = nil
    }
    // While a container that could be collected in its last run waits, nothing is due, whatever happened at the end of that run. A run that
    // the controller could not know of counts as one, and so does one that an earlier leader may have collected.
    if isRestarting || container.instance.number != truth.instance, truth.wasCollectable || !truth.wasSeen || isForgotten(truth) {
      truth.badSince = nil
      truth.wasMissing = false
      truth.wasCollectable = false
      truth.handOvers = 0
      truth.isIdle = isRestarting
    }
    if !isRestarting { truth.isIdle = false }
    if isWatchCut, isRestarting || container.instance.number != truth.instance {
      truth.isUnseen = true
      truth.mayCountSince = truth.mayCountSince ?? now
    } else if let healthySince, now - healthySince > Self.recovery {
      truth.isUnseen = false
    }
    if container.instance.number != truth.instance { truth.wasSeen = false }
    truth.wasSeen = truth.wasSeen || !isWatchCut && isRunning
    truth.instance = container.instance.number
    truth.wasCollectable = truth.wasCollectable || isCollectable
    if isCollectable || truth.isIdle {
      truth.badSince = nil
      // Until a call has found it, the controller takes it for missing.
      if truth.isIdle || truth.goodSince.map({ now - $0 > Self.interval }) ?? false { truth.wasMissing = false }
      truth.handOvers = 0
      if isRestarting {
        truth.goodSince = nil
        return
      }
      truth.goodSince = truth.goodSince ?? now
      settle(&truth)
    } else {
      truth.goodSince = nil
      truth.mayCountSince = truth.mayCountSince ?? now
      truth.wasMissing = truth.wasMissing || container.isHidden || isRestarting || truth.isUnseen
      // Without a leader nobody can know.
      if now - firstRun >= Self.grace, isRunning, controller != nil { truth.badSince = truth.badSince ?? now }
    }
  }

  /// The container is gone, finished or being deleted.
  private func unexpected(_ truth: Truth) -> Truth {
    var truth = truth
    truth.goneSince = truth.goneSince ?? now
    if isWatchCut, isAgentDown.contains(truth.node) {
      // A controller that cannot know this reports an agent that does not respond all the same.
      truth.couldBeGap = nil
      truth.mayCountSince = truth.mayCountSince ?? truth.goneSince
    } else if isWatchCut, truth.mayCountSince != nil, truth.couldBeGap == nil, cutSince.map({ now - $0 < Self.stalenessLimit }) ?? false {
      // Nor does it know yet that the roll is stale.
    } else {
      truth.couldBeGap = truth.couldBeGap ?? truth.mayBeGap(at: now)
    }
    truth.badSince = nil
    truth.handOvers = 0
    truth.goodSince = truth.goodSince ?? now
    settle(&truth)
    return truth
  }

  /// Ends the time that may count once the controller must have seen that the container is well.
  private func settle(_ truth: inout Truth) {
    guard let good = truth.goodSince, let healthy = healthySince else { return }
    if now - max(good, healthy) >= Self.recovery {
      truth.mayCountSince = nil
      truth.couldBeGap = truth.couldBeGap.map { _ in false }
    }
  }

  /// Whether the leader may have ended before it archived the age.
  private func isForgotten(_ truth: Truth) -> Bool {
    guard truth.handOvers > 0, let bad = truth.badSince, let end = leaderEndedAt else { return false }
    return end - max(bad, endedLeaderHealthySince) <= Self.unarchived
  }

  /// Whether the container must be a gap by now.
  private func isOverdue(_ truth: Truth) -> Bool {
    guard let bad = truth.badSince,
      let able = isAgentDown.contains(truth.node) && !truth.wasMissing && !truth.isUnseen ? ledSince : healthySince
    else { return false }
    let age = Self.threshold + Self.slack + Self.handOver * truth.handOvers
    // A container that was missing while the watch was cut has its age from when that ended.
    var since = truth.wasMissing ? max(bad, able + Self.recovery) : bad
    // An age that is not archived yet begins again under the next leader, however long there is none.
    if isForgotten(truth), let ledSince { since = max(since, ledSince) }
    return now - since > age && now - able > Self.recovery
  }

  private mutating func compare() {
    for (key, truth) in truths {
      nodesOfContainers[truth.reference, default: []].insert(truth.node)
      if truth.mayBeGap(at: now) { lastAllowed[truth.reference] = now }
      let overdueSince = isOverdue(truth) ? truth.overdueSince ?? now : nil
      truths[key]?.overdueSince = overdueSince
    }
  }

  /// What is wrong with the open gaps, and with the alerts.
  private mutating func problems() -> [String] {
    guard let controller else { return [] }
    return gapProblems(of: controller) + alertProblems()
  }

  /// Gaps that should not be open, and gaps that should.
  private func gapProblems(of controller: Controller) -> [String] {
    let open = Set(controller.ledger.gapsByNode().joined().map(\.container))
    let allowed = Set(lastAllowed.lazy.filter { $0.value == now }.map(\.key))
    let missing = truths.values.filter { $0.overdueSince != nil && !open.contains($0.reference) }
    func text(_ truth: Truth) -> String {
      let node = controller.ledger.nodes[truth.node]
      let row = node?.collections().first { $0.container == truth.reference }
      func seconds(_ moment: Moment?, from start: Moment = Moment(milliseconds: 0)) -> String {
        moment.map { "\(($0.milliseconds + start.milliseconds) / 1000)" } ?? "never"
      }
      return "\(truth.reference.pod)/\(truth.reference.container) on \(truth.node): bad since \(seconds(truth.badSince)), may count since "
        + "\(seconds(truth.mayCountSince)), good since \(seconds(truth.goodSince)), \(truth.handOvers) hand-overs; the ledger has due "
        + "\(seconds(row?.due, from: controller.start)), collected \(seconds(row?.lastCollected, from: controller.start))"
    }
    let wrong = truths.values.filter { open.subtracting(allowed).contains($0.reference) }
    return wrong.map { "false gap of \(text($0))" } + missing.map { "no gap of \(text($0))" }
  }

  /// Alerts that should not be active, and gaps without an alert.
  private mutating func alertProblems() -> [String] {
    let active = delivery.active(wallClock: Self.unix(now, 0))
    mostAlerts = max(mostAlerts, active.count)
    func isCovered(_ container: ContainerReference) -> Bool {
      active.contains { AlertDelivery.covers($0, container, on: nodesOfContainers[container]) }
    }
    let missing = truths.values.filter { truth in
      guard let since = truth.overdueSince, now - since > AlertDelivery.reaction, delivery.isUpToDate(at: now) else { return false }
      return !isCovered(truth.reference) && truth.reference.pod != AlertDelivery.refusedPod
    }
    // A group ends one request after its successors.
    let wrong = active.filter { alert in
      !lastAllowed.contains { container, allowed in
        now - allowed <= AlertDelivery.reaction + Self.step && AlertDelivery.covers(alert, container, on: nodesOfContainers[container])
      } && delivery.isFault(alert, at: now)
    }
    return missing.map {
      "no alert on \($0.reference.pod)/\($0.reference.container), a gap since \($0.overdueSince.map { $0.milliseconds / 1000 } ?? 0)"
    }
      + wrong.map { "false alert \($0)" }
  }

  /// Lets the time of one step pass.
  /// - Returns: what is wrong then.
  mutating func advance() -> [String] {
    now = now + Self.step
    if chance(40) { act() }
    if let event = delivery.happen(at: now, using: &random) { note(event) }
    live()
    if !isWatchCut, cutSince != nil, controller?.staleUntil == nil { cutSince = nil }
    control()
    observe()
    compare()
    return problems()
  }
}
