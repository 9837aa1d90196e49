import KubeClient
import Primitives
import Roll

@testable import Controller

/// What a leader sends to an Alertmanager that is down at times, loses its alerts and refuses one of them. Part of a `GapWorld`.
struct AlertDelivery {
  /// The longest time from a change of the gaps to the alert: a step until a request fails, the longest wait after it, and a step until the
  /// next request.
  static let reaction: Duration = GapWorld.step * 2 + AlertPolicy().backoff.upperBound
  /// Alertmanager refuses alerts on this Pod.
  static let refusedPod = "web-3"
  private static let policy = AlertPolicy(batch: 5)

  private var alertmanager = AlertmanagerModel()
  /// `nil` while it is up.
  private var downUntil: Moment?
  private var upSince = Moment(milliseconds: 0)
  /// When Alertmanager last lost its alerts.
  private var lostAt: Moment?

  // The leader's.
  private var grouping = AlertGrouping()
  private var state = AlertmanagerState(policy: Self.policy)
  private var inherited: [Alert]?
  private var backoff = Backoff(AlertPolicy().backoff)
  private var nextAttempt = Moment(milliseconds: 0)
  /// The alerts that this leader must end: those that it took over and its own.
  private var known: Set<AlertKey> = []
  /// When an alert that no leader knew of may still be active.
  private var orphansUntil: Moment?

  /// Lets the Alertmanager fail and return.
  /// - Returns: what happened.
  mutating func happen(at now: Moment, using random: inout SplitMix64) -> String? {
    if let end = downUntil {
      guard now >= end else { return nil }
      downUntil = nil
      upSince = now
      guard Bool.random(using: &random) else { return "Alertmanager is back" }
      // It keeps nothing on disk.
      alertmanager = AlertmanagerModel()
      lostAt = now
      return "Alertmanager is back, empty"
    }
    guard Int.random(in: 0..<40, using: &random) == 0 else { return nil }
    downUntil = now + .seconds(Int.random(in: 1...200, using: &random))
    return "Alertmanager is down"
  }

  /// Another leader begins, with these gaps of the one before it.
  mutating func takeOver(_ gaps: some Sequence<Gap>, at now: Moment) {
    let groups = grouping.groups
    grouping = AlertGrouping()
    grouping.takeOver(groups)
    state = AlertmanagerState(policy: Self.policy)
    let alerts = AlertGrouping.possibleAlerts(for: gaps, workload: Self.workload)
    inherited = alerts
    known = Set(alerts.map(\.key))
    backoff = Backoff(AlertPolicy().backoff)
    nextAttempt = now
    orphansUntil = now + Self.policy.lifetime + Self.reaction
  }

  /// One round of `AlertmanagerSender`.
  /// - Parameters:
  ///   - reading: the leader's clocks.
  ///   - wallClock: Alertmanager's clock.
  mutating func send(_ gaps: some Sequence<NodeGaps>, at now: Moment, reading: ClockReading, wallClock: Int64) {
    guard now >= nextAttempt else { return }
    let alerts = grouping.alerts(for: gaps, at: reading.moment, workload: Self.workload)
    known.formUnion(alerts.map(\.key))
    if !grouping.isWaiting, let alerts = inherited {
      state.takeOver(alerts, at: reading.moment)
      inherited = nil
    }
    state.update(alerts: alerts, at: reading)
    while let batch = state.nextBatch(at: reading.moment) {
      guard downUntil == nil else {
        nextAttempt = now + backoff.failed()
        return
      }
      if alertmanager.post(batch.alerts, now: wallClock, isBad: Self.isRefused) {
        // Whole seconds, as in the header.
        state.accepted(batch, date: wallClock / 1000 * 1000, at: reading.moment)
      } else {
        _ = state.refused(batch, at: reading.moment)
      }
    }
    backoff.succeeded()
  }

  /// Whether Alertmanager must have everything that was sent until `reaction` ago.
  func isUpToDate(at now: Moment) -> Bool {
    downUntil == nil && now - upSince > Self.reaction && (lostAt.map { now - $0 > Self.policy.resend + Self.reaction } ?? true)
  }

  func active(wallClock: Int64) -> [AlertSubject] { alertmanager.active(now: wallClock) }

  /// Whether an alert that no container justifies is a fault. If a gap closes while Alertmanager is away, and the leader ends before it is
  /// back, the next leader does not know of the alert, which then expires by itself.
  func isFault(_ alert: AlertSubject, at now: Moment) -> Bool {
    guard downUntil == nil, now - upSince > Self.reaction else { return false }
    guard let orphansUntil, now < orphansUntil else { return true }
    return known.contains(where: alert.has)
  }

  static func covers(_ alert: AlertSubject, _ container: ContainerReference, on nodes: Set<String>?) -> Bool {
    if let pod = alert.pod { return pod == container.pod && alert.container == container.container }
    if let node = alert.node { return nodes?.contains(node) ?? false }
    return alert.workload != nil && alert.workload == workload(container)?.name
  }

  private static func isRefused(_ alert: AlertSubject) -> Bool { alert.pod == refusedPod }

  private static func workload(_ container: ContainerReference) -> Workload? {
    switch container.pod.last {
    case _ where container.pod == "db-0": Workload(kind: "StatefulSet", name: "db")
    case "1", "4", "7": nil
    default: Workload(kind: "Deployment", name: "web")
    }
  }
}
