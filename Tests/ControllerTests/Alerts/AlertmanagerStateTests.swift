import JSON
import Roll
import Testing

@testable import Controller

/// The state of one Alertmanager and the requests made from it.
private final class SentAlerts {
  /// The wall-clock time at moment 0: 2026-01-01T00:00:00Z.
  private static let epoch: Int64 = 1_767_225_600_000
  private let policy: AlertPolicy
  private var state: AlertmanagerState

  init(maximumGaps: Int = 1000) {
    policy = AlertPolicy(maximumGaps: maximumGaps)
    state = AlertmanagerState(policy: policy)
  }

  private func at(_ seconds: Double, clockError: Int64) -> ClockReading {
    ClockReading(
      moment: Moment(milliseconds: Int64(seconds * 1000)), unixMilliseconds: Self.epoch + Int64(seconds * 1000) + clockError * 1000)
  }

  var count: Int { state.count }
  var leftOut: Int { state.leftOut }

  func untilDue(_ seconds: Double) -> Duration? { state.untilDue(at: at(seconds, clockError: 0).moment) }

  func update(_ gaps: [Gap], _ seconds: Double) { state.update(gaps: gaps, at: at(seconds, clockError: 0)) }

  /// The alerts of the next request, which is accepted unless `fails`.
  func alerts(_ gaps: [Gap], _ seconds: Double, fails: Bool = false, clockError: Int64 = 0) -> [JSONValue] {
    let reading = at(seconds, clockError: clockError)
    state.update(gaps: gaps, at: reading)
    guard let batch = state.nextBatch(at: reading) else { return [] }
    if !fails { state.accepted(batch, at: reading.moment) }
    return batch.alerts.array ?? []
  }

  /// The pods in the next request, marked if resolved.
  func send(_ gaps: [Gap], _ seconds: Double, fails: Bool = false) -> [String] {
    let firing = rfc3339(at(seconds, clockError: 0).unixMilliseconds + policy.lifetime.wholeMilliseconds)
    return alerts(gaps, seconds, fails: fails).map { alert in
      let pod = alert["labels"]?["pod"]?.string ?? alert["labels"]?["alertname"]?.string ?? "?"
      return alert["endsAt"]?.string == firing ? pod : "\(pod) resolved"
    }
  }
}

@Suite struct AlertmanagerStateTests {
  @Test func `without gaps no requests are sent`() {
    let sent = SentAlerts()
    #expect(sent.send([], 0) == [])
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
    sent.update([], 5)
    for _ in 0..<3 {
      #expect(sent.send([], 5, fails: true) == ["a resolved"])
    }
    #expect(sent.send([], 5) == ["a resolved"])
    #expect(sent.count == 0)
  }

  @Test func `endsAt does not move, however late the resolved alert is accepted`() throws {
    let sent = SentAlerts()
    _ = sent.send([cartGap("a")], 0)
    sent.update([], 5)
    sent.update([], 3600)
    let alert = try #require(sent.alerts([], 3600).first)
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
    #expect(sent.send([], 1) == ["a resolved"])
  }

  @Test func `a gap that was never sent needs no resolved alert`() {
    let sent = SentAlerts()
    sent.update([cartGap("a")], 0)
    #expect(sent.send([], 1) == [])
    #expect(sent.count == 0)
  }

  /// A gap for every container of a large cluster would be more than the controller and Alertmanager can hold.
  @Test func `R63: gaps beyond the limit are counted in a single alert`() {
    let sent = SentAlerts(maximumGaps: 2)
    let gaps = ["a", "b", "c", "d"].map { cartGap($0) }
    #expect(sent.send(gaps, 0) == ["RollcallTooManyGaps", "a", "b"])
    #expect(sent.leftOut == 2)
    #expect(sent.alerts(gaps, 60).first?["annotations"]?["summary"]?.string?.hasPrefix("2 open gaps") == true)

    // Gaps with an alert keep it. The next gap gets the free one once its resolution was accepted.
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
    state.update(gaps: (0..<10).map { cartGap("p\($0)") }, at: now)
    var sent: [String] = []
    while let batch = state.nextBatch(at: now) {
      #expect(batch.count <= 3)
      sent += (batch.alerts.array ?? []).compactMap { $0["labels"]?["pod"]?.string }
      state.accepted(batch, at: now.moment)
    }
    #expect(sent == (0..<10).map { "p\($0)" })
    #expect(state.untilDue(at: now.moment) == policy.resend)
  }

  @Test func `a reopened gap restarts the same alert`() throws {
    let sent = SentAlerts()
    _ = sent.send([cartGap("a")], 0)
    sent.update([], 10)
    let alerts = sent.alerts([cartGap("a", since: 300)], 600)
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

  @Test func `request size is bounded, and resolved alerts go first`() {
    let sent = SentAlerts()
    let many = (0..<600).map { cartGap("pod-\($0)") }
    #expect(sent.send(many, 0).count == 256)
    #expect(sent.send(many, 0).count == 256)
    #expect(sent.send(many, 0).count == 88)
    #expect(sent.send(many, 0).isEmpty)
    let next = sent.send(Array(many.dropFirst(3)) + [cartGap("new")], 60)
    #expect(next.prefix(4) == ["pod-0 resolved", "pod-1 resolved", "pod-2 resolved", "new"])
    #expect(next.count == 256)
  }

  // MARK: Content

  @Test func `an alert carries everything an operator needs`() throws {
    let sent = SentAlerts()
    let alert = try #require(sent.alerts([cartGap("a", detail: "connection refused", since: -300)], 0).first)
    #expect(
      alert["labels"] == [
        "alertname": "RollcallContainerUncollected", "severity": "warning", "namespace": "shop", "pod": "a", "container": "cart",
        "node": "w1", "source": "linux",
      ])
    #expect(alert["startsAt"] == "2025-12-31T23:55:00.000Z")
    #expect(alert["endsAt"] == "2026-01-01T00:04:00.000Z")
    #expect(alert["annotations"]?["summary"] == "Container shop/a/cart is not collected: AgentUnreachable")
    #expect(
      alert["annotations"]?["description"]
        == "Container shop/a/cart on linux node w1 has not been collected since 2025-12-31T23:55:00.000Z. Reason: AgentUnreachable (connection refused)."
    )
    #expect(alert["annotations"]?["runbook"]?.string?.contains("rollcall-agent") == true)
  }

  @Test func `startsAt does not move when the wall clock is set`() throws {
    let sent = SentAlerts()
    _ = sent.send([cartGap("a", since: -300)], 0)
    let alert = try #require(sent.alerts([cartGap("a", since: -300)], 60, clockError: 3600).first)
    #expect(alert["startsAt"] == "2025-12-31T23:55:00.000Z")
  }

  @Test(arguments: Reason.allCases)
  func `every reason has advice`(reason: Reason) {
    #expect(advice(reason).count > 20)
  }

  // MARK: URLs

  @Test(arguments: [
    ("http://am:9093", "http://am:9093/api/v2/alerts", "http://am:9093"),
    ("http://am:9093/", "http://am:9093/api/v2/alerts", "http://am:9093"),
    ("https://am.example/alertmanager/", "https://am.example/alertmanager/api/v2/alerts", "https://am.example/alertmanager"),
    ("http://me:secret@am/x", "http://me:secret@am/x/api/v2/alerts", "http://am/x"),
    ("http://[::1]:9093", "http://[::1]:9093/api/v2/alerts", "http://[::1]:9093"),
  ])
  func `valid URLs are parsed`(text: String, alerts: String, description: String) throws {
    let url = try AlertmanagerURL(text)
    #expect(url.alerts == alerts)
    #expect(url.description == description)
  }

  @Test(arguments: ["", "am:9093", "ftp://am", "http://", "http:///x", "http://:9093", "http://am?x=1", "http://am#x", "http://a m"])
  func `an invalid URL is rejected`(text: String) {
    #expect(throws: AlertingError.url(text)) { try AlertmanagerURL(text) }
  }

  @Test func `the error for a rejected URL does not reveal its password`() {
    #expect(throws: AlertingError.url("ftp://am/x")) { try AlertmanagerURL("ftp://me:secret@am/x") }
  }
}
