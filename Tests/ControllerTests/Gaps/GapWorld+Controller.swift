import Controller
import KubeClient
import Primitives
import Roll

/// What the controller sees and does.
extension GapWorld {
  func record(_ pod: Pod) -> PodRecord {
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

  static func id(_ pod: Pod, _ container: Container) -> String {
    "\(pod.uid)-\(container.name)-\(container.instance.number)"
  }

  static func unix(_ moment: Moment, _ offset: Int64) -> Int64 { epoch + moment.milliseconds + offset }

  func reading(_ controller: Controller) -> ClockReading {
    ClockReading(
      moment: Moment(milliseconds: now.milliseconds - controller.start.milliseconds), unixMilliseconds: Self.unix(now, wallOffset))
  }

  static let archivePolicy = ArchivePolicy(uncollected: interval, unscraped: threshold / 2)

  mutating func archiveNow() {
    guard let controller else { return }
    archive = controller.ledger.archivedAges(at: reading(controller), policy: Self.archivePolicy).oldest
  }

  mutating func control() {
    opened = []
    if let end = stoppedUntil {
      guard now >= end else { return }
      stoppedUntil = nil
      // Its connections may have ended, and it learns that only now.
      isWatchCut = isWatchCut || chance(50)
      if isWatchCut { cutSince = now }
      note("leader goes on\(isWatchCut ? ", watch cut" : "")")
    }
    if controller == nil, let start = nextLeaderAt, now >= start, !isWatchCut {
      controller = Controller(start: now)
      note("new leader")
      for (key, truth) in truths {
        truths[key]?.handOvers += 1
        // Without an age in the archive, the leader takes the present run for one that was collected.
        if truth.badSince == nil || mayBeForgotten(truth) { truths[key]?.forgottenAt = now }
      }
    }
    if !isWatchCut, viewed != pods {
      viewed = pods
      view = Records(pods.map(record))
    }
    if !isWatchCut { viewedNodes = nodes }
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

    let (knownNodes, knownPods) = (controller.knownNodes, controller.knownPods)
    let seenNodes = Dictionary(uniqueKeysWithValues: viewedNodes.map { ($0.name, $0) })
    let seenPods = Dictionary(grouping: viewed, by: \.node)
    controller.knownNodes = seenNodes
    controller.knownPods = seenPods
    func changed<Value: Equatable>(_ old: [String: Value], _ new: [String: Value]) -> StoreChange {
      .keys(Set(Set(old.keys).union(new.keys).filter { old[$0] != new[$0] }.map { ObjectKey(name: $0) }))
    }
    let changes = controller.builder.update(
      nodes: Records(viewedNodes.map(\.record)), nodeChange: knownNodes.map { changed($0, seenNodes) } ?? .all, pods: view,
      podChange: changed(knownPods, seenPods), at: reading)
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
    var transitions: [GapTransition] = []
    for node in viewedNodes where (now.milliseconds / 5000 + node.phase) % 3 == 0 {
      guard let roll = controller.ledger.nodes[node.name]?.roll else { continue }
      transitions += controller.ledger.record(call(roll), of: roll, at: moment)
    }
    transitions += controller.ledger.evaluate(at: moment)
    opened = Set(transitions.lazy.filter { $0.change == .opened }.map(\.gap.container))
    mostGaps = max(mostGaps, controller.ledger.openGapCount)
    delivery.send(controller.ledger.gapsOfNodes(at: moment), at: now, reading: reading, wallClock: Self.unix(now, 0))
    let fingerprint = controller.ledger.archiveFingerprint(at: moment, policy: Self.archivePolicy)
    if !isWatchCut, controller.schedule.isDue(fingerprint, at: reading) {
      controller.schedule.attempted(fingerprint, succeeded: true, at: reading)
      archive = controller.ledger.archivedAges(at: reading, policy: Self.archivePolicy).oldest
    }
  }

  /// The node's answers.
  func call(_ roll: NodeRoll) -> RollCall {
    let running = Set(
      pods.lazy.filter { $0.node == roll.node && !$0.isStopped }.flatMap { pod in
        pod.containers.filter { $0.state == .running && !$0.isHidden }.map { Self.id(pod, $0) }
      })
    let isReplaced = isReplaced(roll.node)
    return RollCall(
      answers: roll.entries.map { entry in
        if roll.addressHolder != nil || isReplaced { return .missed(.wrongNode, detail: "") }
        if isUnreachable(roll.node) { return .missed(.agentUnreachable, detail: "") }
        return running.contains(entry.containerID) ? .collected(age: .zero) : .missed(.pidNotFound, detail: "")
      }, lastScrape: .notObservable)
  }

  /// Lets a leader go on that was stopped, and has not noticed yet that another one leads.
  mutating func resumeFormerLeader() {
    guard let stopped = formerLeader, now >= stopped.stoppedUntil else { return }
    var former = stopped.controller
    formerLeader = nil
    note("former leader goes on")
    for transition in former.ledger.evaluate(at: reading(former).moment) where transition.change == .opened {
      opened.insert(transition.gap.container)
    }
  }
}
