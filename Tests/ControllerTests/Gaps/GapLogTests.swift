import Logging
import Roll
import TestSupport
import Testing

@testable import Controller

@Suite struct GapLogTests {
  private func lines(_ transitions: [GapTransition]) -> [String] {
    let log = RecordedLog()
    GapLog(logger: log.logger).log(transitions)
    return log.all
  }

  private func opened(_ pod: String, reason: Reason = .agentUnreachable, since: Double = 0) -> GapTransition {
    GapTransition(gap: cartGap(pod, reason: reason, detail: "refused", since: since), change: .opened, at: moment(300))
  }

  @Test func `a few gaps get one log line each`() {
    let lines = lines([opened("a"), opened("b", since: 100)])
    #expect(
      lines == [
        "warning gap opened age=5m container=shop/a/cart detail=refused kind=uncollected node=w1 reason=AgentUnreachable source=linux",
        "warning gap opened age=3m20s container=shop/b/cart detail=refused kind=uncollected node=w1 reason=AgentUnreachable source=linux",
      ])
  }

  /// Otherwise a lost node would log a line for each container, and a lost cluster hundreds of thousands.
  @Test func `many gaps on one Node with the same change share a log line`() {
    let lines = lines(
      (0..<50).map { opened("p\($0)", since: Double(50 - $0)) } + [opened("q", reason: .pidNotFound)]
        + (0..<4).map { number in
          GapTransition(gap: cartGap("r\(number)"), change: .closed(.leftRoll, after: .seconds(60)), at: moment(300))
        })
    #expect(
      lines == [
        "warning gaps opened age=4m59s container=shop/p49/cart detail=refused gaps=50 kind=uncollected node=w1 reason=AgentUnreachable source=linux",
        "warning gap opened age=5m container=shop/q/cart detail=refused kind=uncollected node=w1 reason=PidNotFound source=linux",
        "notice gaps closed container=shop/r0/cart duration=1m end=the container is gone and was not seen again gaps=4 kind=uncollected node=w1 reason=AgentUnreachable source=linux",
      ])
  }
}
