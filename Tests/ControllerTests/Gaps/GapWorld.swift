import Controller
import KubeClient
import Primitives
import Roll

/// A small cluster in virtual time, with the faults of real ones: agents that are down, containers that the agent does not find or that
/// restart, Pods that are deleted, machines that are replaced, watches that are cut, controllers that are killed or stopped for a while,
/// and wall clocks that are set. A controller made of the real parts that decide (rolls, ledger, archive, alerts) watches it.
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
  static let unarchived: Duration = interval * 2 + step
  /// The time after the end of a fault until everything is as without it: the rolls settle and every node is called.
  static let recovery: Duration = interval * 3 + step

  static let epoch: Int64 = 1_767_225_600_000

  static let stalenessLimit = min(interval * 3, threshold / 2)
  /// How long the controller opens no gap after it was stopped.
  static let catchUp = max(stalenessLimit, interval) + interval

  // MARK: The cluster

  struct Instance: Equatable {
    var number: Int
    var startedAt: Moment
  }

  struct Container: Equatable {
    enum State: Equatable { case waiting, running, restarting(until: Moment), finished }
    var name: String
    var state = State.waiting
    var instance = Instance(number: 0, startedAt: Moment(milliseconds: 0))
    /// Whether the agent can find its process.
    var isHidden = false
  }

  struct Node: Equatable {
    var name: String
    var address: String
    /// The step of each interval that it is called in.
    var phase: Int64
    /// Whether its machine is gone. The Node stays for a while, and another one may have its address meanwhile.
    var isLost = false
    var hasSuccessor = false

    var record: NodeRecord { nodeRecord(name, address: address, ready: !isLost) }
  }

  struct Pod: Equatable {
    var name: String
    var uid: String
    var node: String
    var containers: [Container]
    var deletion: Moment?
    /// Whether its containers are stopped, once it is being deleted.
    var isStopped = false
  }

  var random: SplitMix64
  var now = Moment(milliseconds: 10_000_000)
  var wallOffset: Int64 = 0
  var nodes = (0..<3).map { Node(name: "n\($0)", address: "10.0.0.\($0)", phase: Int64($0)) }
  var pods: [Pod] = []
  var isAgentDown: Set<String> = []
  var number = 0
  var log: [String] = []

  // MARK: The controller

  /// One process. Its clock starts at 0.
  struct Controller {
    let start: Moment
    var ledger = Ledger(threshold: GapWorld.threshold)
    var builder = RollBuilder(settings: RollSettings(grace: GapWorld.grace, virtualNodes: []))
    var schedule = GapArchiveSchedule(written: nil)
    var staleUntil: Moment?
    var wasRestored = false
    /// The Nodes and Pods as its rolls have them, by node.
    var knownNodes: [String: Node]?
    var knownPods: [String: [Pod]] = [:]

    init(start: Moment) {
      self.start = start
      ledger.watchForPauses(from: Moment(milliseconds: 0), catchUp: GapWorld.catchUp)
    }
  }

  var controller: Controller?
  /// Until when the controller does not run; `nil` while it does.
  var stoppedUntil: Moment?
  /// When the controller was stopped last, when it went on, and when it has caught up.
  var lastStop: (began: Moment, ended: Moment, caughtUp: Moment)?
  /// A leader that was stopped for so long that another one leads.
  var formerLeader: (controller: Controller, stoppedUntil: Moment)?
  /// The containers on which the controller has opened a gap in this step.
  var opened: Set<ContainerReference> = []
  var nextLeaderAt: Moment?
  var isWatchCut = false
  var cutSince: Moment?
  /// The Nodes and Pods as last received by a watch.
  var viewedNodes: [Node] = []
  var viewed: [Pod] = []
  var view = Records<PodRecord>([])
  var archive: [ArchivedAge] = []
  var delivery = AlertDelivery()
  var mostGaps = 0
  var mostAlerts = 0
  /// When the wall clock was last set. An archive with times by the old clock is useless until it is written again, so the leader ends only
  /// some time later.
  var clockSetAt: Moment?

  // MARK: The observer

  /// What the observer knows of one container of a Pod.
  struct Truth {
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
    /// Whether it waits for a restart after a run like that.
    var isIdle = false
    /// When it was last called before it was gone, finished or being deleted, at the earliest.
    var goneSince: Moment?
    /// Changes of leader since `badSince`.
    var handOvers = 0
    /// When a leader last began that may not know of the age, which then begins again.
    var forgottenAt: Moment?
    /// Whether it could be a gap when it was last expected; `nil` while it is expected.
    var couldBeGap: Bool?
    /// Since when it must be a gap.
    var overdueSince: Moment?

    func mayBeGap(at now: Moment) -> Bool {
      couldBeGap ?? mayCountSince.map { now - $0 > GapWorld.threshold - GapWorld.interval - GapWorld.step } ?? false
    }
  }

  var truths: [String: Truth] = [:]
  /// When each container could last be a gap.
  var lastAllowed: [ContainerReference: Moment] = [:]
  /// The nodes on which Pods of that name have run.
  var nodesOfContainers: [ContainerReference: Set<String>] = [:]
  /// Since when there is a leader and its watch is in sync.
  var healthySince: Moment?
  /// When a leader last ended, and since when its watch was in sync then.
  var leaderEndedAt: Moment?
  var endedLeaderHealthySince = Moment(milliseconds: 0)
  /// Since when there is a leader.
  var ledSince: Moment?

  init(seed: UInt64) {
    random = SplitMix64(seed: seed)
    for _ in 0..<6 { addPod() }
    controller = Controller(start: now)
  }

  mutating func chance(_ percent: Double) -> Bool { Double.random(in: 0..<100, using: &random) < percent }

  mutating func note(_ text: String) { log.append("\(now.milliseconds / 1000): \(text)") }

  mutating func addPod() {
    number += 1
    let node = nodes.filter { !$0.isLost }.randomElement(using: &random)?.name ?? "n0"
    // Names are used again, as in a StatefulSet.
    let name = chance(50) && !pods.contains { $0.name == "db-0" } ? "db-0" : "web-\(number)"
    pods.append(
      Pod(
        name: name, uid: "uid-\(number)", node: node, containers: [Container(name: "app")] + (chance(30) ? [Container(name: "side")] : [])))
    note("pod \(name) uid-\(number) on \(node)")
  }

  // MARK: Faults

  mutating func act() {
    switch Int.random(in: 0..<100, using: &random) {
    case 0..<6: addPod()
    case 6..<12:
      guard let index = pods.indices.randomElement(using: &random), pods[index].deletion == nil else { return }
      pods[index].deletion = now + .seconds(Int.random(in: 0...6, using: &random) * 5)
      note("delete \(pods[index].name) \(pods[index].uid)")
    case 12..<20:
      guard let node = nodes.randomElement(using: &random)?.name else { return }
      if isAgentDown.remove(node) == nil { isAgentDown.insert(node) }
      note("agent of \(node) \(isAgentDown.contains(node) ? "down" : "up")")
    case 20..<28:
      guard let pod = pods.indices.randomElement(using: &random) else { return }
      let container = Int.random(in: 0..<pods[pod].containers.count, using: &random)
      pods[pod].containers[container].isHidden.toggle()
      note("\(pods[pod].name)/\(pods[pod].containers[container].name) hidden \(pods[pod].containers[container].isHidden)")
    case 28..<44:
      guard let pod = pods.indices.randomElement(using: &random), !isLost(pods[pod].node) else { return }
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
      guard mayEndLeader else { return }
      let isGraceful = chance(50)
      if isGraceful { archiveNow() }
      endLeader(next: .seconds(isGraceful ? 0 : Int.random(in: 0...3, using: &random) * 5))
      note("leader \(isGraceful ? "ends" : "is killed")")
    case 64..<67:
      guard controller != nil else { return }
      wallOffset += (chance(50) ? 1 : -1) * Int64.random(in: 1...3600, using: &random) * 1000
      clockSetAt = now
      note("clock is off by \(wallOffset / 1000) s")
    case 67..<70:
      guard mayEndLeader, formerLeader == nil, let controller else { return }
      let seconds = [5, 10, 20, 35, 60, 120, 600].randomElement(using: &random) ?? 5
      let hasOtherReplica = seconds > 15 && chance(50)
      if hasOtherReplica {
        formerLeader = (controller, now + .seconds(seconds))
        endLeader(next: .seconds(15))
      } else {
        stoppedUntil = now + .seconds(seconds)
        let delay = .seconds(seconds) + Self.step > Self.threshold / 2 ? Self.catchUp : .zero
        lastStop = (now, now + .seconds(seconds), now + .seconds(seconds) + delay)
      }
      note("leader is stopped for \(seconds) s, \(hasOtherReplica ? "another one leads" : "and leads on")")
    case 70..<73: replaceMachine()
    default: break
    }
  }

  var mayEndLeader: Bool {
    isLed && !isWatchCut && clockSetAt.map { now - $0 > .seconds(40) } ?? true
  }

  mutating func endLeader(next pause: Duration) {
    controller = nil
    leaderEndedAt = now
    endedLeaderHealthySince = healthySince ?? now
    nextLeaderAt = now + pause
  }

  /// Takes the next step in the replacement of a machine: it is lost, its successor comes with the same address, its Node is deleted.
  mutating func replaceMachine() {
    guard let lost = nodes.firstIndex(where: \.isLost) else {
      guard let index = nodes.indices.randomElement(using: &random) else { return }
      nodes[index].isLost = true
      note("\(nodes[index].name) is lost")
      return
    }
    let name = nodes[lost].name
    guard nodes[lost].hasSuccessor else {
      nodes[lost].hasSuccessor = true
      number += 1
      nodes.append(Node(name: "n\(number)", address: nodes[lost].address, phase: nodes[lost].phase))
      note("n\(number) has the address of \(name)")
      return
    }
    for pod in pods.indices where pods[pod].node == name && pods[pod].deletion == nil { pods[pod].deletion = now }
    nodes.remove(at: lost)
    note("node \(name) is deleted, with its Pods")
  }

  func isLost(_ node: String) -> Bool { !nodes.contains { $0.name == node && !$0.isLost } }

  /// Whether another machine has the address of the node.
  func isReplaced(_ node: String) -> Bool { nodes.contains { $0.name == node && $0.hasSuccessor } }

  /// Whether a controller runs that leads.
  var isLed: Bool { controller != nil && stoppedUntil == nil }

  /// Whether nobody receives the news of the cluster.
  var isBlind: Bool { isWatchCut || stoppedUntil != nil }

  /// Whether the agent of the node cannot be called.
  func isUnreachable(_ node: String) -> Bool { isAgentDown.contains(node) || isLost(node) }

  /// Lets containers start, restart and end.
  mutating func live() {
    for pod in pods.indices {
      if let deletion = pods[pod].deletion, now >= deletion { pods[pod].isStopped = true }
      for container in pods[pod].containers.indices where !pods[pod].isStopped && !isLost(pods[pod].node) {
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

  /// Lets the time of one step pass.
  /// - Returns: what is wrong then.
  mutating func advance() -> [String] {
    now = now + Self.step
    if chance(40) { act() }
    if let event = delivery.happen(at: now, using: &random) { note(event) }
    live()
    if !isWatchCut, cutSince != nil, controller?.staleUntil == nil { cutSince = nil }
    control()
    resumeFormerLeader()
    observe()
    compare()
    return problems()
  }
}
