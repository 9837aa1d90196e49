import JSON
import KubeClient
import Roll
import Testing

@testable import Controller

/// The state of one Alertmanager and the requests made from it.
private final class SentAlerts {
  /// The wall-clock time at moment 0: 2026-01-01T00:00:00Z.
  private static let epoch: Int64 = 1_767_225_600_000
  private let policy: AlertPolicy
  private var state: AlertmanagerState
  /// How far our wall clock is ahead, in seconds. Alertmanager's is right.
  var clockError: Int64 = 0

  init(maximumAlerts: Int = 1000, batch: Int = 256, externalLabels: [String: String] = [:], runbooks: Runbooks = .standard) {
    policy = AlertPolicy(batch: batch, maximumAlerts: maximumAlerts)
    state = AlertmanagerState(policy: policy, externalLabels: externalLabels, runbooks: runbooks)
  }

  private func at(_ seconds: Double) -> ClockReading {
    ClockReading(moment: moment(seconds), unixMilliseconds: date(seconds) + clockError * 1000)
  }

  /// The time by a clock that is right.
  private func date(_ seconds: Double) -> Int64 { Self.epoch + Int64(seconds * 1000) }

  /// The time by a clock that is right, as in alerts.
  func text(_ seconds: Double) -> String { rfc3339(date(seconds)) }

  var count: Int { state.count }
  var leftOut: Int { state.leftOut }

  func untilDue(_ seconds: Double) -> Duration? { state.untilDue(at: moment(seconds)) }

  func takeOver(_ gaps: [Gap], _ seconds: Double) {
    state.takeOver(AlertGrouping.possibleAlerts(for: gaps) { _ in nil }, at: moment(seconds))
  }

  func update(_ alerts: [Alert], _ seconds: Double) { state.update(alerts: alerts, at: at(seconds)) }
  func update(_ gaps: [Gap], _ seconds: Double) { update(gaps.map { Alert.gap($0, workload: nil) }, seconds) }

  /// The alerts of the next request, which is accepted unless `fails`.
  func alerts(_ alerts: [Alert], _ seconds: Double, fails: Bool = false) -> [JSONValue] {
    update(alerts, seconds)
    readClock(seconds)
    guard let batch = state.nextBatch(at: moment(seconds)) else { return [] }
    if !fails { state.accepted(batch, date: date(seconds), at: moment(seconds)) }
    return batch.alerts.array ?? []
  }

  /// Gets the response to the empty request, if there was none yet.
  private func readClock(_ seconds: Double) {
    var next = state
    guard let batch = next.nextBatch(at: moment(seconds)), batch.count == 0 else { return }
    next.accepted(batch, date: date(seconds), at: moment(seconds))
    state = next
  }

  func alerts(_ gaps: [Gap], _ seconds: Double, fails: Bool = false) -> [JSONValue] {
    alerts(gaps.map { Alert.gap($0, workload: nil) }, seconds, fails: fails)
  }

  /// The pods in the next request, marked if resolved.
  func send(_ gaps: [Gap], _ seconds: Double, fails: Bool = false) -> [String] {
    alerts(gaps, seconds, fails: fails).map { name($0, seconds) }
  }

  func send(_ list: [Alert], _ seconds: Double, fails: Bool = false) -> [String] {
    alerts(list, seconds, fails: fails).map { name($0, seconds) }
  }

  /// Sends all that is due to an Alertmanager that refuses every request with a pod for which `isBad` holds.
  /// - Returns: the pods of the accepted alerts, and the alerts that were refused alone.
  func send(_ seconds: Double, isBad: (String) -> Bool) -> (accepted: [String], refused: [(pod: String, isFirst: Bool)], requests: Int) {
    var (accepted, refused, requests): ([String], [(String, Bool)], Int) = ([], [], 0)
    readClock(seconds)
    while let batch = state.nextBatch(at: moment(seconds)) {
      requests += 1
      let pods = (batch.alerts.array ?? []).map { name($0, seconds) }
      guard pods.contains(where: isBad) else {
        accepted += pods
        state.accepted(batch, date: date(seconds), at: moment(seconds))
        continue
      }
      if let (alert, isFirst) = state.refused(batch, at: moment(seconds)), case .gap(let gap, _) = alert {
        refused.append((gap.container.pod, isFirst))
      }
    }
    return (accepted, refused, requests)
  }

  private func name(_ alert: JSONValue, _ seconds: Double) -> String {
    let labels = alert["labels"]
    let name = labels?["pod"]?.string ?? labels?["workload"]?.string ?? labels?["alertname"]?.string ?? "?"
    return (alert["endsAt"]?.string ?? "") > rfc3339(date(seconds) + clockError * 1000) ? name : "\(name) resolved"
  }
}

/// One suite, because the state has one function to change it, and each test is a sequence of its inputs.
@Suite struct AlertmanagerStateTests {
  @Test func `without gaps no requests are sent`() {
    let sent = SentAlerts()
    #expect(sent.send([Gap](), 0) == [])
    #expect(sent.untilDue(0) == nil)
  }

  @Test func `an open gap is sent immediately and resent every interval`() {
    let sent = SentAlerts()
    let gaps = [cartGap("a")]
    #expect(sent.send(gaps, 0) == ["a"])
    #expect(sent.send(gaps, 1) == [])
    #expect(sent.untilDue(1) == .seconds(59))
    #expect(sent.send(gaps, 59.9) == [])
    #expect(sent.send(gaps, 60) == ["a"])
    #expect(sent.send(gaps, 61) == [])
  }

  @Test func `a closed gap is resolved exactly once`() {
    let sent = SentAlerts()
    _ = sent.send([cartGap("a"), cartGap("b")], 0)
    #expect(sent.send([cartGap("b")], 5) == ["a resolved"])
    #expect(sent.send([cartGap("b")], 6) == [])
    #expect(sent.count == 1)
  }

  @Test func `R65: a resolved alert is resent until it is accepted`() {
    let sent = SentAlerts()
    _ = sent.send([cartGap("a")], 0)
    sent.update([Gap](), 5)
    for _ in 0..<3 {
      #expect(sent.send([Gap](), 5, fails: true) == ["a resolved"])
    }
    #expect(sent.send([Gap](), 5) == ["a resolved"])
    #expect(sent.count == 0)
  }

  @Test func `endsAt does not move, however late the resolved alert is accepted`() throws {
    let sent = SentAlerts()
    _ = sent.send([cartGap("a")], 0)
    sent.update([Gap](), 5)
    let alert = try #require(sent.alerts([Gap](), 500).first)
    #expect(alert["endsAt"]?.string == "2026-01-01T00:00:05.000Z")
  }

  @Test func `R65: an alert that was not accepted is retried immediately`() {
    let sent = SentAlerts()
    #expect(sent.send([cartGap("a")], 0, fails: true) == ["a"])
    #expect(sent.untilDue(0) == .zero)
    #expect(sent.send([cartGap("a")], 1) == ["a"])
  }

  /// Only the response may have been lost.
  @Test func `a gap that closes after a failed request is still resolved`() {
    let sent = SentAlerts()
    _ = sent.send([cartGap("a")], 0, fails: true)
    #expect(sent.send([Gap](), 1) == ["a resolved"])
  }

  @Test func `a gap that was never sent needs no resolved alert`() {
    let sent = SentAlerts()
    sent.update([cartGap("a")], 0)
    #expect(sent.send([Gap](), 1) == [])
    #expect(sent.count == 0)
  }

  /// A gap for every container of a large cluster would be more than the controller and Alertmanager can hold.
  @Test func `R63: gaps beyond the limit are counted in a single alert`() {
    let sent = SentAlerts(maximumAlerts: 2)
    let gaps = ["a", "b", "c", "d"].map { cartGap($0) }
    #expect(sent.send(gaps, 0) == ["RollcallTooManyGaps", "a", "b"])
    #expect(sent.leftOut == 2)
    #expect(sent.alerts(gaps, 60).first?["annotations"]?["summary"]?.string?.hasPrefix("2 open gaps") == true)

    // Gaps with an alert keep it. The next gap gets the free one.
    #expect(sent.send(Array(gaps[1...]), 61) == ["a resolved"])
    #expect(sent.send(Array(gaps[1...]), 62) == ["c"])
    #expect(sent.leftOut == 1)
    #expect(sent.send(Array(gaps[1...2]), 63) == ["RollcallTooManyGaps resolved"])
    #expect(sent.leftOut == 0)
    #expect(sent.count == 2)
  }

  @Test func `all due alerts are eventually sent, one batch at a time`() {
    let policy = AlertPolicy(batch: 3)
    var state = AlertmanagerState(policy: policy)
    let now = ClockReading(moment: Moment(milliseconds: 0), unixMilliseconds: 1_767_225_600_000)
    state.update(alerts: (0..<10).map { Alert.gap(cartGap("p\($0)"), workload: nil) }, at: now)
    var sent: [String] = []
    // The first request only reads the clock.
    #expect(state.nextBatch(at: now.moment)?.count == 0)
    while let batch = state.nextBatch(at: now.moment) {
      #expect(batch.count <= 3)
      sent += (batch.alerts.array ?? []).compactMap { $0["labels"]?["pod"]?.string }
      state.accepted(batch, date: now.unixMilliseconds, at: now.moment)
    }
    #expect(sent == (0..<10).map { "p\($0)" })
    #expect(state.untilDue(at: now.moment) == policy.resend)
  }

  @Test func `a reopened gap restarts the same alert`() throws {
    let sent = SentAlerts()
    _ = sent.send([cartGap("a")], 0)
    sent.update([Gap](), 10)
    let alerts = sent.alerts([cartGap("a", since: 300)], 500)
    #expect(alerts.map { $0["startsAt"]?.string } == ["2026-01-01T00:05:00.000Z"])
  }

  @Test func `a changed reason is sent immediately under the same alert`() throws {
    let sent = SentAlerts()
    let first = try #require(sent.alerts([cartGap("a", reason: .agentTimeout)], 0).first)
    let second = try #require(sent.alerts([cartGap("a", reason: .agentUnreachable)], 1).first)
    #expect(first["labels"] == second["labels"])
    #expect(first["startsAt"] == second["startsAt"])
    #expect(second["annotations"]?["reason"] == "AgentUnreachable")
  }

  @Test func `a changed detail alone does not trigger a resend`() {
    let sent = SentAlerts()
    _ = sent.send([cartGap("a", detail: "3 tries")], 0)
    #expect(sent.send([cartGap("a", detail: "4 tries")], 1) == [])
  }

  @Test func `the two kinds of gap of one container are separate alerts`() {
    let sent = SentAlerts()
    #expect(sent.send([cartGap("a"), cartGap("a", kind: .unscraped, reason: .notScraped)], 0).count == 2)
  }

  // MARK: Nothing delays anything else

  @Test func `R78: new alerts, ends and repetitions take turns, in requests of bounded size`() {
    let sent = SentAlerts(batch: 9)
    let old = (0..<30).map { cartGap("old-\($0 + 10)") }
    sent.update(old, 0)
    _ = sent.send(0) { _ in false }
    let new = (0..<30).map { cartGap("new-\($0 + 10)") }
    let next = sent.send(Array(old.dropFirst(10)) + new, 60)
    #expect(
      next == [
        "new-10", "old-10 resolved", "old-20", "new-11", "old-11 resolved", "old-21", "new-12", "old-12 resolved", "old-22",
      ])
  }

  @Test func `R78: ends that wait for an Alertmanager take no place from new alerts`() {
    let sent = SentAlerts(maximumAlerts: 5)
    _ = sent.send((0..<5).map { cartGap("old-\($0)") }, 0)
    sent.update([Gap](), 1)
    let new = (0..<5).map { cartGap("new-\($0)") }
    #expect(sent.send(new, 2).filter { $0.hasPrefix("new") }.count == 5)
    #expect(sent.leftOut == 0)
  }

  @Test func `R63: the ends that wait for an Alertmanager are limited`() {
    let sent = SentAlerts(maximumAlerts: 5)
    for round in 0..<20 {
      _ = sent.send((0..<5).map { cartGap("\(round)-\($0)") }, Double(round), fails: true)
    }
    #expect(sent.count <= 10)
  }

  /// Alertmanager has resolved it by itself.
  @Test func `an end that was not accepted is dropped when the alert has expired`() {
    let sent = SentAlerts()
    _ = sent.send([cartGap("a")], 0)
    #expect(sent.send([Gap](), 5, fails: true) == ["a resolved"])
    #expect(sent.send([Gap](), 601) == [])
    #expect(sent.count == 0)
  }

  @Test(arguments: [1, 7, 100, 255]) func `R78: an alert that Alertmanager refuses delays no other, and is reported once`(bad: Int) {
    let sent = SentAlerts()
    let gaps = (0..<256).map { cartGap("p\($0)") }
    sent.update(gaps, 0)
    let first = sent.send(0) { $0 == "p\(bad)" }
    #expect(Set(first.accepted) == Set((0..<256).filter { $0 != bad }.map { "p\($0)" }))
    #expect(first.refused.map(\.pod) == ["p\(bad)"])
    #expect(first.refused.map(\.isFirst) == [true])
    // log2(256) times two halves, and the first.
    #expect(first.requests <= 17)

    sent.update(gaps, 1)
    #expect(sent.send(1) { $0 == "p\(bad)" }.requests == 0)
    #expect(sent.untilDue(1) == .seconds(59))
    // It is tried again in a request of its own.
    sent.update(gaps, 60)
    let again = sent.send(60) { $0 == "p\(bad)" }
    #expect(again.accepted.count == 255)
    #expect(again.refused.map(\.isFirst) == [false])
    #expect(again.requests == 2)
    // Its end is of no interest to an Alertmanager that never had it.
    sent.update(gaps.filter { $0.container.pod != "p\(bad)" }, 700)
    #expect(!sent.send(700) { _ in false }.accepted.contains { $0.hasPrefix("p\(bad) ") })
  }

  @Test func `R78: when a proxy that refused everything is repaired, all alerts are sent at once`() {
    let sent = SentAlerts(batch: 16)
    let gaps = (0..<64).map { cartGap("p\($0)") }
    sent.update(gaps, 0)
    #expect(sent.send(0) { _ in true }.refused.count == 64)
    var accepted: Set<String> = []
    var seconds = 60.0
    while sent.untilDue(seconds) == .zero {
      sent.update(gaps, seconds)
      accepted.formUnion(sent.send(seconds) { _ in false }.accepted)
      seconds += 1
    }
    #expect(accepted.count == 64)
    #expect(seconds < 70)
  }

  // MARK: Clocks

  @Test(arguments: [-86_400, -3600, -61, -3, 0, 3, 61, 3600, 86_400] as [Int64])
  func `R78: times are by Alertmanager's clock, however wrong ours is or becomes`(error: Int64) throws {
    let sent = SentAlerts()
    sent.clockError = error
    let gaps = [cartGap("a", since: -300)]
    for seconds in [0.0, 60, 120] {
      let alert = try #require(sent.alerts(gaps, seconds).first)
      // Up to two seconds early, so that starts do not move with every response.
      #expect(["2025-12-31T23:54:58", "2025-12-31T23:54:59", "2025-12-31T23:55:00"].contains(alert["startsAt"]?.string?.prefix(19)))
      let endsAt = alert["endsAt"]?.string ?? ""
      #expect(endsAt >= sent.text(seconds + 598) && endsAt <= sent.text(seconds + 600))
      // Ours is set while the gap is open.
      sent.clockError = -error
    }
    let end = try #require(sent.alerts([Gap](), 130).first)
    #expect((end["startsAt"]?.string ?? "") < (end["endsAt"]?.string ?? ""))
    #expect((end["endsAt"]?.string ?? "") <= "2026-01-01T00:02:10.000Z")
  }

  @Test func `R78: when Alertmanager's clock was set, all alerts are sent again with the right times`() {
    let policy = AlertPolicy()
    var state = AlertmanagerState(policy: policy)
    func send(_ alerts: [Alert], at seconds: Double, theirs: Int64) -> [String?] {
      state.update(alerts: alerts, at: ClockReading(moment: moment(seconds), unixMilliseconds: Int64(seconds) * 1000))
      var ends: [String?] = []
      while let batch = state.nextBatch(at: moment(seconds)) {
        ends += (batch.alerts.array ?? []).map { $0["endsAt"]?.string }
        state.accepted(batch, date: theirs, at: moment(seconds))
      }
      return ends
    }
    let gaps = ["a", "b"].map { Alert.gap(cartGap($0), workload: nil) }
    #expect(send(gaps, at: 0, theirs: 0) == Array(repeating: "1970-01-01T00:10:00.000Z", count: 2))
    // It is an hour ahead now, which the response shows.
    #expect(send(gaps, at: 60, theirs: 3_660_000).count == 2)
    #expect(state.untilDue(at: moment(60)) == .zero)
    #expect(send(gaps, at: 60, theirs: 3_660_000) == Array(repeating: "1970-01-01T01:11:00.000Z", count: 2))
    // Back again; an end with a wrong time does not count.
    #expect(send([gaps[0]], at: 70, theirs: 70_000) == ["1970-01-01T01:01:10.000Z"])
    #expect(
      send([gaps[0]], at: 70, theirs: 70_000).sorted { ($0 ?? "") < ($1 ?? "") } == [
        "1970-01-01T00:01:10.000Z", "1970-01-01T00:11:10.000Z",
      ])
    #expect(state.count == 1)
  }

  @Test func `R78: startsAt is not after endsAt, whatever the beginning of a gap`() throws {
    let sent = SentAlerts()
    _ = sent.send([cartGap("a", since: 1000)], 0)
    let end = try #require(sent.alerts([Gap](), 5).first)
    #expect(end["startsAt"] == end["endsAt"])
  }

  @Test func `startsAt does not move when the wall clock is set`() throws {
    let sent = SentAlerts()
    _ = sent.send([cartGap("a", since: -300)], 0)
    sent.clockError = 3600
    let alert = try #require(sent.alerts([cartGap("a", since: -300)], 60).first)
    #expect(alert["startsAt"] == "2025-12-31T23:55:00.000Z")
  }

  // MARK: Groups

  @Test func `R80: an alert that becomes part of another ends once that one has been accepted`() throws {
    let sent = SentAlerts()
    let gaps = (0..<4).map { cartGap("p\($0)") }
    let workload = Workload(kind: "Deployment", name: "cart")
    let few = gaps.prefix(3).map { Alert.gap($0, workload: workload) }
    #expect(sent.send(few, 0) == ["p0", "p1", "p2"])
    var group = GapGroup(gaps[0])
    for gap in gaps[1...] { group.add(gap) }
    let alert = Alert.workload(WorkloadAlertKey(gaps[0], workload), group)
    #expect(sent.send([alert], 5, fails: true) == ["cart"])
    #expect(sent.send([alert], 6) == ["cart"])
    #expect(sent.untilDue(6) == .zero)
    let ends = sent.alerts([alert], 6)
    #expect(ends.count == 3)
    #expect(ends.first?["annotations"]?["summary"] == "Not resolved, but now part of RollcallWorkloadUncollected of Deployment shop/cart")
    #expect(ends.first?["labels"]?["workload"] == "cart")
    #expect(sent.send([alert], 7) == [])
    #expect(sent.count == 1)
  }

  @Test func `a group keeps its beginning when its oldest gap closes`() throws {
    let sent = SentAlerts()
    let key = NodeAlertKey(cartGap("a"))
    var group = GapGroup(cartGap("a", since: -300))
    group.add(cartGap("b", since: -200))
    _ = sent.alerts([Alert.node(key, group)], 0)
    let alert = try #require(sent.alerts([Alert.node(key, GapGroup(cartGap("b", since: -200)))], 60).first)
    #expect(alert["startsAt"] == "2025-12-31T23:55:00.000Z")
    #expect(alert["annotations"]?["containers"] == "1")
  }

  // MARK: Content

  @Test func `R135: an alert carries everything an operator needs`() throws {
    let sent = SentAlerts(runbooks: try #require(Runbooks("https://wiki.example/rollcall")))
    let gap = cartGap("a", detail: "connection refused", since: -300)
    let alert = try #require(sent.alerts([Alert.gap(gap, workload: Workload(kind: "StatefulSet", name: "cart"))], 0).first)
    #expect(
      alert["labels"] == [
        "alertname": "RollcallContainerUncollected", "severity": "warning", "namespace": "shop", "pod": "a", "container": "cart",
        "node": "w1", "source": "linux", "workload": "cart", "workload_kind": "StatefulSet",
      ])
    #expect(alert["startsAt"] == "2025-12-31T23:55:00.000Z")
    #expect(alert["endsAt"] == "2026-01-01T00:10:00.000Z")
    #expect(alert["annotations"]?["summary"] == "Container shop/a/cart is not collected: AgentUnreachable")
    #expect(
      alert["annotations"]?["description"]
        == "Container shop/a/cart on linux node w1 has not been collected since 2025-12-31T23:55:00.000Z. Reason: AgentUnreachable (connection refused)."
    )
    #expect(alert["annotations"]?["runbook"]?.string?.contains("rollcall-agent") == true)
    #expect(alert["annotations"]?["runbook_url"] == "https://wiki.example/rollcall#agentunreachable")
  }

  @Test func `R80: the alert on a node says how many containers, since when and why`() throws {
    let sent = SentAlerts()
    var group = GapGroup(cartGap("a", reason: .agentTimeout, since: -200))
    for pod in ["b", "c", "d"] { group.add(cartGap(pod, detail: "connection refused", since: -300)) }
    let alert = try #require(sent.alerts([Alert.node(NodeAlertKey(cartGap("a")), group)], 0).first)
    #expect(
      alert["labels"] == ["alertname": "RollcallNodeUncollected", "severity": "warning", "node": "w1", "source": "linux"])
    #expect(alert["annotations"]?["summary"] == "No container on node w1 is collected: AgentUnreachable")
    #expect(alert["annotations"]?["containers"] == "4")
    #expect(
      alert["annotations"]?["description"]
        == "4 containers on linux node w1 have not been collected, the first since 2025-12-31T23:55:00.000Z. Among them: shop/a/cart, shop/b/cart, shop/c/cart. Reason: AgentUnreachable (connection refused)."
    )
  }

  @Test func `R77: external labels are added unless the alert has labels of these names`() throws {
    let sent = SentAlerts(externalLabels: ["cluster": "east", "node": "not this", "severity": "page"])
    let alert = try #require(sent.alerts([cartGap("a")], 0).first)
    #expect(alert["labels"]?["cluster"] == "east")
    #expect(alert["labels"]?["node"] == "w1")
    #expect(alert["labels"]?["severity"] == "warning")
    _ = sent.alerts([Gap](), 1)
  }

  /// A pod that was deleted just now has no workload any more.
  @Test func `R80: the labels of an alert stay the same while it is open`() throws {
    let sent = SentAlerts()
    let workload = Workload(kind: "DaemonSet", name: "proxy")
    let first = try #require(sent.alerts([Alert.gap(cartGap("a"), workload: workload)], 0).first)
    let second = try #require(sent.alerts([Alert.gap(cartGap("a"), workload: nil)], 60).first)
    #expect(first["labels"] == second["labels"])
    #expect(sent.alerts([Gap](), 61).first?["labels"] == first["labels"])
  }

  @Test(arguments: Reason.allCases)
  func `every reason has advice`(reason: Reason) {
    #expect(advice(reason).count > 20)
  }

  @Test func `R79: the alert of an earlier leader is ended, also if its gap closes before Alertmanager has responded to this one`() {
    let sent = SentAlerts()
    // The gap is known before all alerts of the earlier leader are.
    sent.update([cartGap("a")], 0)
    sent.takeOver([cartGap("a"), cartGap("b")], 1)
    sent.update([cartGap("a")], 1)
    // Alertmanager is away, and the gap closes.
    sent.update([Gap](), 100)
    #expect(Set(["a resolved", "b resolved"]).isSubset(of: sent.send([Gap](), 200)))
  }

  /// 60 s since the last request, 50 s until the node is marked, 300 s until its pods are evicted, a minute to start elsewhere.
  @Test func `R79: alerts outlive the loss of the controller's node`() {
    #expect(AlertPolicy().lifetime > .seconds(60 + 50 + 300 + 60))
  }

  // MARK: URLs

  @Test(arguments: [
    ("http://am:9093", "http://am:9093/api/v2/alerts", "http://am:9093", "am", 9093),
    ("http://am:9093/", "http://am:9093/api/v2/alerts", "http://am:9093", "am", 9093),
    (
      "https://am.example/alertmanager/", "https://am.example/alertmanager/api/v2/alerts", "https://am.example/alertmanager", "am.example",
      443
    ),
    ("http://me:secret@am/x", "http://me:secret@am/x/api/v2/alerts", "http://am/x", "am", 80),
    ("http://[::1]:9093", "http://[::1]:9093/api/v2/alerts", "http://[::1]:9093", "::1", 9093),
  ])
  func `valid URLs are parsed`(text: String, alerts: String, description: String, host: String, port: Int) throws {
    let url = try AlertmanagerURL(text)
    #expect(url.alerts == alerts)
    #expect(url.description == description)
    #expect(url.host == host)
    #expect(url.port == port)
  }

  @Test(arguments: [
    "", "am:9093", "ftp://am", "http://", "http:///x", "http://:9093", "http://am?x=1", "http://am#x", "http://a m", "http://am:0",
    "http://am:x", "http://[::1",
  ])
  func `an invalid URL is rejected`(text: String) {
    #expect(throws: AlertingError.url(text)) { try AlertmanagerURL(text) }
  }

  @Test func `the error for a rejected URL does not reveal its password`() {
    #expect(throws: AlertingError.url("ftp://am/x")) { try AlertmanagerURL("ftp://me:secret@am/x") }
  }
}
