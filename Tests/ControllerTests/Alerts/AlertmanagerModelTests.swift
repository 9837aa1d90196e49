import JSON
import KubeClient
import Primitives
import Roll
import TestSupport
import Testing

@testable import Controller

/// A leader, an Alertmanager and what happens to them, second by second.
private struct World {
  private static let epoch: Int64 = 1_767_225_600_000
  /// The longest time to react: the longest back-off and a little more.
  private static let reaction = 7

  private var random: SplitMix64
  private var now = 0
  private var clockError: Int64 = 0
  private var alertmanager = AlertmanagerModel()
  /// `nil` while it is up.
  private var downUntil: Int?
  private var upSince = 0
  /// When it last lost its alerts, which are repeated every minute.
  private var lostAt = -1000
  private let handsOver: Bool

  private var grouping = AlertGrouping()
  private var state = AlertmanagerState(policy: AlertPolicy(batch: 5))
  private var nextAttempt = 0
  private var backoff = Backoff(AlertPolicy().backoff)

  /// The open gaps and since when they are open.
  private var open: [GapKey: (gap: Gap, since: Int)] = [:]
  /// When gaps closed.
  private var closed: [GapKey: (gap: Gap, at: Int)] = [:]
  private var isDown: [String: Bool] = [:]
  /// When a leader last ended. The alerts on gaps that closed before then, and whose end it did not send, expire by themselves.
  private var lastHandOver = -10_000
  /// The gaps that the leader took over.
  private var inherited: Set<GapKey> = []

  private(set) var problems: [String] = []

  init(seed: UInt64) {
    random = SplitMix64(seed: seed)
    handsOver = seed.isMultiple(of: 2)
  }

  private func workload(_ container: ContainerReference) -> Workload? {
    container.pod.hasSuffix("0") ? nil : Workload(kind: "Deployment", name: "d\(container.pod.suffix(1))")
  }

  mutating func run(seconds: Int) {
    while now < seconds {
      happen()
      send()
      check()
      now += 1
    }
  }

  private mutating func chance(_ oneIn: Int) -> Bool { Int.random(in: 0..<oneIn, using: &random) == 0 }

  private mutating func happen() {
    for node in ["n1", "n2", "n3", "n4", "n5"] {
      if chance(60) {
        isDown[node] = !(isDown[node] ?? false)
        for pod in 0..<4 { set(node, pod, isOpen: isDown[node] ?? false) }
      }
      if isDown[node] != true, chance(20) { set(node, Int.random(in: 0..<4, using: &random), isOpen: chance(3)) }
    }
    if chance(80) { clockError = [-86_400_000, -3_600_000, 0, 3_600_000, 86_400_000].randomElement(using: &random) ?? 0 }
    if downUntil == nil, chance(100) { downUntil = now + Int.random(in: 1...200, using: &random) }
    if let end = downUntil, now >= end {
      downUntil = nil
      upSince = now
      if chance(2) {
        // It keeps nothing on disk.
        alertmanager = AlertmanagerModel()
        lostAt = now
      }
    }
    if handsOver, chance(300) {
      // Another leader, with the same gaps and groups.
      let groups = grouping.groups
      grouping = AlertGrouping()
      grouping.takeOver(groups)
      state = AlertmanagerState(policy: AlertPolicy(batch: 5))
      state.takeOver(AlertGrouping.possibleAlerts(for: open.values.map(\.gap), workload: workload), at: moment(Double(now)))
      inherited = Set(open.keys)
      nextAttempt = now
      lastHandOver = now
    }
  }

  private mutating func set(_ node: String, _ pod: Int, isOpen: Bool) {
    let gap = Gap(
      container: ContainerReference(namespace: "shop", pod: "\(node)-\(pod)", container: "app"), node: node, source: .linux,
      kind: .uncollected, reason: .agentUnreachable, detail: "", since: moment(Double(now - 300)))
    if isOpen, open[GapKey(gap)] == nil {
      open[GapKey(gap)] = (gap, now)
    } else if !isOpen, open.removeValue(forKey: GapKey(gap)) != nil {
      closed[GapKey(gap)] = (gap, now)
    }
  }

  /// One round of the sender.
  private mutating func send() {
    guard now >= nextAttempt else { return }
    let reading = ClockReading(moment: moment(Double(now)), unixMilliseconds: wallClock + clockError)
    let nodes = Dictionary(grouping: open.values.map(\.gap), by: \.node).sorted { $0.key < $1.key }.map { node, gaps in
      NodeGaps(
        node: node, collection: isDown[node] == true ? .nothing : .some, expected: 4,
        gaps: gaps.sorted { $0.container < $1.container })
    }
    state.update(alerts: grouping.alerts(for: nodes, at: reading.moment, workload: workload), at: reading)
    while let batch = state.nextBatch(at: reading.moment) {
      guard downUntil == nil else {
        nextAttempt = now + Int(backoff.failed().components.seconds) + 1
        return
      }
      if alertmanager.post(batch.alerts, now: wallClock, isBad: { $0.pod == "n1-0" }) {
        // Whole seconds, as in the header.
        state.accepted(batch, date: wallClock / 1000 * 1000, at: reading.moment)
      } else {
        _ = state.refused(batch, at: reading.moment)
      }
    }
    backoff.succeeded()
  }

  private var wallClock: Int64 { Self.epoch + Int64(now) * 1000 }

  private mutating func check() {
    guard downUntil == nil, now - upSince > Self.reaction else { return }
    let active = alertmanager.active(now: wallClock)
    if now - lostAt > 60 + Self.reaction {
      let pods = Set(active.compactMap(\.pod))
      let others = active.filter { $0.pod == nil }
      for (gap, since) in open.values where now - since > Self.reaction && gap.container.pod != "n1-0" {
        if pods.contains(gap.container.pod) || others.contains(where: { covers($0, gap) }) { continue }
        problems.append("\(now): \(gap.container.pod) is in no alert")
      }
    }
    // Two seconds more: a group ends after its successors.
    let late = Self.reaction + 2
    for subject in active where !open.values.contains(where: { gap, _ in covers(subject, gap) }) {
      let wasNeeded = closed.contains { key, gap in now - gap.at <= late && subject.node.map { $0 == key.node } ?? true }
      let isKnown =
        now - lastHandOver > 610 || closed.contains { inherited.contains($0) && $1.at > lastHandOver && covers(subject, $1.gap) }
      if isKnown, !wasNeeded { problems.append("\(now): \(subject) has no gap") }
    }
  }

  private func covers(_ subject: AlertSubject, _ gap: Gap) -> Bool {
    if let pod = subject.pod { return pod == gap.container.pod }
    if let node = subject.node { return node == gap.node }
    return subject.workload == workload(gap.container)?.name
  }
}

@Suite(.ownThread) struct AlertmanagerModelTests {
  /// Outages, lost state, clocks that are set, changes of leader, nodes that go down and an alert that is refused.
  @Test(arguments: 0..<8) func `R78: Alertmanager has an alert for every open gap, and none without a gap, whatever happens`(part: Int) {
    for seed in part * 5..<part * 5 + 5 {
      var world = World(seed: UInt64(seed))
      world.run(seconds: 1200)
      #expect(world.problems.isEmpty, "seed \(seed): \(world.problems.prefix(3))")
    }
  }
}
