import Controller
import Primitives
import Roll

/// What an observer with perfect knowledge knows and expects.
extension GapWorld {
  mutating func observe() {
    let start = max(now, lastStop?.caughtUp ?? now)
    healthySince = isLed && !isWatchCut ? healthySince ?? start : nil
    ledSince = isLed ? ledSince ?? start : nil
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
      // A controller without news still has the container on its roll.
      if truths[key]?.mayCountSince == nil, !isBlind { truths[key] = nil }
    }
  }

  func observe(_ container: Container, of pod: Pod, _ truth: inout Truth) {
    let isRunning = container.state == .running && !pod.isStopped
    // A container is not due before the controller can know it.
    if isRunning, truth.firstRun == nil, !isBlind { truth.firstRun = now }
    let isCollectable = isRunning && !container.isHidden && !isUnreachable(pod.node)
    let isRestarting = if case .restarting = container.state { true } else { false }
    guard pod.deletion == nil, let firstRun = truth.firstRun, isRunning || isRestarting else {
      truth = unexpected(truth)
      return
    }
    truth.couldBeGap = nil
    truth.goneSince = nil
    if isRestarting || container.instance.number != truth.instance, let good = truth.goodSince {
      // The run may have been too short for a call, or passed while nobody called.
      if now - good < Self.slack || lastStop.map({ $0.caughtUp > good }) ?? false { truth.mayCountSince = truth.mayCountSince ?? good }
      truth.goodSince = nil
    }
    // While a container that could be collected in its last run waits, nothing is due, whatever happened at the end of that run. A run that
    // the controller could not know of counts as one, and so does one that an earlier leader may have collected.
    if isRestarting || container.instance.number != truth.instance, truth.wasCollectable || !truth.wasSeen || truth.forgottenAt != nil {
      truth.badSince = nil
      truth.wasMissing = false
      truth.wasCollectable = false
      truth.handOvers = 0
      // A leader that begins now takes the run that begins now for one that was collected.
      if truth.forgottenAt != now { truth.forgottenAt = nil }
      truth.isIdle = isRestarting
    }
    if !isRestarting { truth.isIdle = false }
    if isBlind, isRestarting || container.instance.number != truth.instance {
      truth.isUnseen = true
      truth.mayCountSince = truth.mayCountSince ?? uncalledSince
    } else if let healthySince, now - healthySince > Self.recovery {
      truth.isUnseen = false
    }
    if container.instance.number != truth.instance { truth.wasSeen = false }
    truth.wasSeen = truth.wasSeen || !isBlind && isRunning
    truth.instance = container.instance.number
    truth.wasCollectable = truth.wasCollectable || isCollectable
    if isCollectable || truth.isIdle {
      truth.badSince = nil
      // Until a call has found it, the controller takes it for missing.
      if truth.isIdle || truth.goodSince.map({ now - $0 > Self.interval }) ?? false { truth.wasMissing = false }
      truth.handOvers = 0
      truth.forgottenAt = nil
      if isRestarting {
        truth.goodSince = nil
        return
      }
      truth.goodSince = truth.goodSince ?? now
      settle(&truth)
    } else {
      truth.goodSince = nil
      truth.mayCountSince = truth.mayCountSince ?? uncalledSince
      truth.wasMissing = truth.wasMissing || container.isHidden || isRestarting || truth.isUnseen || isReplaced(pod.node)
      // Without a leader nobody can know.
      if now - firstRun >= Self.grace, isRunning, isLed { truth.badSince = truth.badSince ?? now }
    }
  }

  /// The earliest moment from which nothing may have been collected: calls before a stop of the controller may be the last ones.
  private var uncalledSince: Moment {
    guard let stop = lastStop, now - stop.ended <= Self.interval + Self.step else { return now }
    return stop.began - Self.interval
  }

  /// The container is gone, finished or being deleted.
  func unexpected(_ truth: Truth) -> Truth {
    var truth = truth
    truth.goneSince = truth.goneSince ?? uncalledSince
    if isBlind, isUnreachable(truth.node) {
      // A controller that cannot know this reports an agent that does not respond all the same.
      truth.couldBeGap = nil
      truth.mayCountSince = truth.mayCountSince ?? truth.goneSince
    } else if isBlind, truth.mayCountSince != nil, truth.couldBeGap == nil,
      stoppedUntil != nil || cutSince.map({ now - $0 < Self.stalenessLimit }) ?? false
    {
      // Nor does it know yet that the roll is stale.
    } else {
      truth.couldBeGap = truth.couldBeGap ?? truth.mayBeGap(at: now)
    }
    truth.badSince = nil
    truth.handOvers = 0
    truth.forgottenAt = nil
    truth.goodSince = truth.goodSince ?? now
    settle(&truth)
    return truth
  }

  /// Ends the time that may count once the controller must have seen that the container is well.
  func settle(_ truth: inout Truth) {
    guard let good = truth.goodSince, let healthy = healthySince else { return }
    if now - max(good, healthy) >= Self.recovery {
      truth.mayCountSince = nil
      truth.couldBeGap = truth.couldBeGap.map { _ in false }
    }
  }

  /// Whether the last leader may have ended before it archived the age.
  func mayBeForgotten(_ truth: Truth) -> Bool {
    guard let bad = truth.badSince, let end = leaderEndedAt else { return false }
    return end - max(bad, truth.forgottenAt ?? bad, endedLeaderHealthySince) <= Self.unarchived
  }

  /// Whether the container must be a gap by now.
  func isOverdue(_ truth: Truth) -> Bool {
    guard let bad = truth.badSince,
      let able = isUnreachable(truth.node) && !truth.wasMissing && !truth.isUnseen ? ledSince : healthySince
    else { return false }
    let age = Self.threshold + Self.slack + Self.handOver * truth.handOvers
    // A container that was missing while the watch was cut has its age from when that ended.
    var since = truth.wasMissing ? max(bad, able + Self.recovery) : bad
    // An age that is not archived yet begins again under the next leader, however long there is none.
    if let forgotten = truth.forgottenAt { since = max(since, forgotten) }
    return now - since > age && now - able > Self.recovery
  }

  mutating func compare() {
    for (key, truth) in truths {
      nodesOfContainers[truth.reference, default: []].insert(truth.node)
      if truth.mayBeGap(at: now) { lastAllowed[truth.reference] = now }
      let overdueSince = isOverdue(truth) ? truth.overdueSince ?? now : nil
      truths[key]?.overdueSince = overdueSince
    }
  }

  /// What is wrong with the open gaps, and with the alerts.
  mutating func problems() -> [String] {
    guard let controller, stoppedUntil == nil else { return [] }
    return gapProblems(of: controller) + openingProblems() + alertProblems()
  }

  /// Gaps that should not be open, and gaps that should.
  func gapProblems(of controller: Controller) -> [String] {
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

  /// Gaps that were opened on containers that could be collected for longer than it takes to call them.
  func openingProblems() -> [String] {
    let well = Dictionary(grouping: truths.values, by: \.reference).filter { _, truths in
      truths.allSatisfy { truth in !truth.isUnseen && truth.goodSince.map { now - $0 > Self.interval * 2 } ?? false }
    }
    let wrong = isWatchCut ? [] : opened.filter { well[$0] != nil }
    return wrong.map { "gap opened although \($0.pod)/\($0.container) is collected" }
  }

  /// Alerts that should not be active, and gaps without an alert.
  mutating func alertProblems() -> [String] {
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
}
