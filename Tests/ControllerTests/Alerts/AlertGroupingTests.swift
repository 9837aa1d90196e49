import KubeClient
import Primitives
import Roll
import TestSupport
import Testing

@testable import Controller

@Suite(.ownThread) struct AlertGroupingTests {
  private let cart = Workload(kind: "Deployment", name: "cart")

  /// A gap of the container `shop/POD/app` on a node.
  private func gap(_ pod: String, on node: String = "w1", kind: GapKind = .uncollected, reason: Reason = .agentUnreachable) -> Gap {
    Gap(
      container: ContainerReference(namespace: "shop", pod: pod, container: "app"), node: node, source: .linux, kind: kind, reason: reason,
      detail: "", since: moment(0))
  }

  private func node(_ collection: NodeCollection, _ gaps: [Gap], expected: Int = 10) -> NodeGaps {
    NodeGaps(node: gaps.first?.node ?? "w1", collection: collection, expected: expected, gaps: gaps)
  }

  /// What the alerts are about, and the number of gaps in each group.
  private func names(_ alerts: [Alert]) -> [String] {
    alerts.map { alert in
      switch alert {
      case .gap(let gap, _): gap.container.pod
      case .node(let key, let group): "\(key.node): \(group.count)"
      case .workload(let key, let group): "\(key.workload): \(group.count)"
      case .tooManyGaps: "too many"
      }
    }
  }

  private func alerts(
    _ grouping: inout AlertGrouping, _ nodes: [NodeGaps], at seconds: Double = 0, workload: Workload? = nil
  ) -> [String] {
    names(grouping.alerts(for: nodes, at: moment(seconds), workload: { _ in workload }))
  }

  @Test func `R80: a node on which nothing is collected is one alert, and others have one for each container`() {
    var grouping = AlertGrouping()
    let down = node(.nothing, [gap("a"), gap("b"), gap("c")])
    let partly = node(.some, [gap("d", on: "w2"), gap("e", on: "w2")])
    #expect(alerts(&grouping, [down, partly]) == ["w1: 3", "d", "e"])
  }

  @Test func `R80: a node that is down is one alert from its first gap on, unless it has a single container`() {
    var grouping = AlertGrouping()
    #expect(alerts(&grouping, [node(.nothing, [gap("a")])]) == ["w1: 1"])
    #expect(alerts(&grouping, [node(.nothing, [gap("b", on: "w2")], expected: 1)]) == ["b"])
  }

  @Test func `R80: the alert on a node outlasts the first collections, and then gives way to those of its containers`() {
    var grouping = AlertGrouping()
    let gaps = [gap("a"), gap("b"), gap("c")]
    #expect(alerts(&grouping, [node(.nothing, gaps)]) == ["w1: 3"])
    #expect(alerts(&grouping, [node(.some, Array(gaps.dropFirst()))], at: 10) == ["w1: 2"])
    #expect(grouping.nextChange == moment(70))
    // Down again, and partly collected again.
    #expect(alerts(&grouping, [node(.nothing, gaps)], at: 65) == ["w1: 3"])
    #expect(alerts(&grouping, [node(.some, gaps)], at: 69) == ["w1: 3"])
    #expect(alerts(&grouping, [node(.some, gaps)], at: 128) == ["w1: 3"])
    #expect(alerts(&grouping, [node(.some, gaps)], at: 129) == ["a", "b", "c"])
    #expect(grouping.nextChange == nil)
  }

  @Test func `R80: containers of a node that Prometheus does not scrape are one alert`() {
    var grouping = AlertGrouping()
    let gaps = ["a", "b"].map { gap($0, kind: .unscraped, reason: .notScraped) }
    #expect(alerts(&grouping, [node(.some, [gaps[0]])]) == ["a"])
    #expect(alerts(&grouping, [node(.some, gaps)]) == ["w1: 2"])
    #expect(alerts(&grouping, [node(.some, [gaps[1]])]) == ["w1: 1"])
    #expect(alerts(&grouping, []) == [])
    #expect(alerts(&grouping, [node(.some, [gaps[1]])]) == ["b"])
  }

  @Test func `R80: more than three containers of a workload are one alert until the last of them is collected`() {
    var grouping = AlertGrouping()
    func pods(_ count: Int) -> [NodeGaps] { (0..<count).map { node(.some, [gap("p\($0)", on: "w\($0)")]) } }
    #expect(alerts(&grouping, pods(3), workload: cart) == ["p0", "p1", "p2"])
    #expect(alerts(&grouping, pods(4), workload: cart) == ["Deployment/cart: 4"])
    #expect(alerts(&grouping, pods(1), workload: cart) == ["Deployment/cart: 1"])
    #expect(alerts(&grouping, [], workload: cart) == [])
    #expect(alerts(&grouping, pods(3), workload: cart) == ["p0", "p1", "p2"])
  }

  @Test func `R118: a monitor that no Prometheus adopts is one alert for its workload, however few its containers`() {
    var grouping = AlertGrouping()
    let gaps = ["a", "b"].map { gap($0, kind: .unscraped, reason: .monitorNotAdopted) }
    #expect(alerts(&grouping, [node(.some, [gaps[0]])], workload: cart) == ["Deployment/cart: 1"])
    #expect(alerts(&grouping, [node(.some, gaps)], workload: cart) == ["Deployment/cart: 2"])
    // A scrape that fails is a matter of the container.
    grouping = AlertGrouping()
    let failing = ["a", "b"].map { gap($0, kind: .unscraped, reason: .scrapeFailing) }
    #expect(alerts(&grouping, [node(.some, failing)], workload: cart) == ["a", "b"])
  }

  @Test func `R118: what containers ask for is no matter of their node`() {
    var grouping = AlertGrouping()
    let own = ["a", "b"].map { gap($0, kind: .unscraped, reason: .scrapeFailing) }
    #expect(alerts(&grouping, [node(.some, own)]) == ["a", "b"])
    let notScraped = ["c", "d"].map { gap($0, kind: .unscraped, reason: .notScraped) }
    #expect(alerts(&grouping, [node(.some, own + notScraped)]) == ["w1: 2", "a", "b"])
  }

  @Test func `R80: gaps of nodes that are down do not count for their workload`() {
    var grouping = AlertGrouping()
    let nodes = (0..<5).map { index in node(.nothing, [gap("p\(index)", on: "w\(index)"), gap("q\(index)", on: "w\(index)")]) }
    #expect(alerts(&grouping, nodes, workload: Workload(kind: "DaemonSet", name: "proxy")) == (0..<5).map { "w\($0): 2" })
  }

  @Test func `pods without a workload have alerts of their own`() {
    var grouping = AlertGrouping()
    #expect(alerts(&grouping, [node(.some, ["a", "b", "c", "d"].map { gap($0) })]) == ["a", "b", "c", "d"])
  }

  @Test func `R79: a new leader sends nothing about a node before its first call, unless that takes too long`() {
    var grouping = AlertGrouping()
    let gaps = [gap("a"), gap("b")]
    #expect(alerts(&grouping, [node(.unknown, gaps)], at: 0) == [])
    #expect(grouping.nextChange == moment(1))
    #expect(alerts(&grouping, [node(.nothing, gaps)], at: 2) == ["w1: 2"])

    var other = AlertGrouping()
    #expect(alerts(&other, [node(.unknown, gaps)], at: 0) == [])
    #expect(alerts(&other, [node(.unknown, gaps)], at: 29) == [])
    #expect(alerts(&other, [node(.unknown, gaps)], at: 30) == ["a", "b"])
    #expect(alerts(&other, [node(.unknown, gaps)], at: 31) == ["a", "b"])
    #expect(other.nextChange == nil)
  }

  @Test func `R80: a new leader continues the groups of the last one, also while nodes wait for their first call`() {
    var last = AlertGrouping()
    let down = [gap("a"), gap("b")]
    func pods(_ count: Int, _ collection: NodeCollection = .some) -> [NodeGaps] {
      (0..<count).map { NodeGaps(node: "x\($0)", collection: collection, expected: 2, gaps: [gap("p\($0)", on: "x\($0)")]) }
    }
    func workload(_ container: ContainerReference) -> Workload? { container.pod.hasPrefix("p") ? cart : nil }
    func next(_ grouping: inout AlertGrouping, _ nodes: [NodeGaps], at seconds: Double) -> [String] {
      names(grouping.alerts(for: nodes, at: moment(seconds), workload: workload))
    }
    #expect(next(&last, [node(.nothing, down)] + pods(4), at: 0) == ["w1: 2", "Deployment/cart: 4"])
    var new = AlertGrouping()
    new.takeOver(last.groups)
    #expect(next(&new, [node(.unknown, down)] + pods(2, .unknown), at: 1) == [])
    #expect(next(&new, [node(.unknown, down)] + pods(1) + pods(2, .unknown).suffix(1), at: 2) == ["Deployment/cart: 1"])
    // A node that is partly collected by now keeps its alert for a while.
    #expect(next(&new, [node(.some, down)] + pods(2), at: 3) == ["w1: 2", "Deployment/cart: 2"])
    #expect(next(&new, [node(.some, down)] + pods(2), at: 63) == ["Deployment/cart: 2", "a", "b"])
    #expect(new.groups == AlertGroups(workloads: [WorkloadAlertKey(gap("p0"), cart)]))

    // Groups without a gap are gone.
    var other = AlertGrouping()
    other.takeOver(last.groups)
    #expect(next(&other, pods(1), at: 1) == ["Deployment/cart: 1"])
    #expect(next(&other, [node(.some, [down[0]])], at: 2) == ["a"])
    #expect(other.groups.isEmpty)
  }

  /// Every open gap is in exactly one alert, and groups neither begin nor end without need, also over changes of leader.
  @Test func `R80: random sequences of gaps, down nodes and partly collected nodes neither lose a gap nor flap`() {
    for seed in 0..<300 as Range<UInt64> {
      var random = SplitMix64(seed: seed)
      var grouping = AlertGrouping()
      var open: Set<GapKey> = []
      var gaps: [GapKey: Gap] = [:]
      var collections: [String: NodeCollection] = [:]
      var earlier: [AlertKey: Int] = [:]
      var partlySince: [String: Double] = [:]
      var now = 0.0
      let workloads = (0..<3).map { Workload(kind: "Deployment", name: "d\($0)") }
      for _ in 0..<60 {
        now += Double(Int.random(in: 1...20, using: &random))
        if Int.random(in: 0..<5, using: &random) == 0 {
          let groups = grouping.groups
          grouping = AlertGrouping()
          grouping.takeOver(groups)
        }
        for number in 0..<4 {
          let name = "w\(number)"
          collections[name] = [.nothing, .some, .some].randomElement(using: &random) ?? .some
          if collections[name] == .nothing { partlySince[name] = nil } else { partlySince[name] = partlySince[name] ?? now }
          for pod in 0..<5 where Bool.random(using: &random) {
            let one = gap("\(name)-\(pod)", on: name, kind: pod == 4 ? .unscraped : .uncollected)
            gaps[GapKey(one)] = one
            if Bool.random(using: &random) { open.insert(GapKey(one)) } else { open.remove(GapKey(one)) }
          }
        }
        let nodes = (0..<4).map { number in
          let name = "w\(number)"
          return NodeGaps(
            node: name, collection: collections[name] ?? .some, expected: 5,
            gaps: open.filter { $0.node == name }.sorted().compactMap { gaps[$0] })
        }
        let alerts = grouping.alerts(for: nodes, at: moment(now)) { container in
          workloads[Int(container.pod.utf8.last ?? 0) % 3]
        }
        #expect(alerts.reduce(0) { $0 + $1.gapCount } == open.count)
        #expect(Set(alerts.map(\.key)).count == alerts.count)
        let current = Dictionary(uniqueKeysWithValues: alerts.map { ($0.key, $0.gapCount) })
        for key in earlier.keys where current[key] == nil {
          switch key {
          case .node(let key):
            // It has no gap left, or was partly collected for long enough.
            let isEmpty = !open.contains { $0.node == key.node && $0.kind == key.kind }
            #expect(isEmpty || now - (partlySince[key.node] ?? now) >= 60)
          case .workload(let key):
            // None of its gaps has an alert of its own.
            for alert in alerts {
              if case .gap(let gap, let workload?) = alert { #expect(WorkloadAlertKey(gap, workload) != key) }
            }
          case .gap, .tooManyGaps: break
          }
        }
        earlier = current
      }
    }
  }
}
