import Roll
import Testing

@testable import Controller

@Suite struct CallPhaseTests {
  @Test func nodesAreSpreadOverTheInterval() {
    var perSecond = Array(repeating: 0, count: 15)
    for number in 0..<1500 {
      let next = CallPhase(node: "ip-10-0-0-\(number).eu-central-1.compute.internal", interval: .seconds(15)).next(after: at(0))
      #expect(at(0) < next && next <= at(15))
      perSecond[Int(next.milliseconds % 15_000) / 1000] += 1
    }
    #expect(perSecond.allSatisfy { (60...140).contains($0) }, "\(perSecond)")
  }

  @Test(arguments: [-100.0, -15, -0.001, 0, 0.001, 7, 15, 1000]) func theNextCallIsAtMostAnIntervalAway(now: Double) {
    let phase = CallPhase(node: "n", interval: .seconds(15))
    let next = phase.next(after: at(now))
    #expect(next > at(now) && next - at(now) <= .seconds(15))
    #expect(phase.next(after: next) - next == .seconds(15))
  }
}
