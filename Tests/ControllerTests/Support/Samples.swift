import Controller
import Roll

func moment(_ seconds: Double) -> Moment { Moment(milliseconds: Int64(seconds * 1000)) }

func containerReference(_ name: String, pod: String = "web-0") -> ContainerReference {
  ContainerReference(namespace: "shop", pod: pod, container: name)
}

func rollEntry(_ name: String, pod: String = "web-0", uid: String = "uid-1", id: String = "aaaa", ip: String? = "10.1.0.7") -> RollEntry {
  RollEntry(reference: containerReference(name, pod: pod), podUID: uid, containerID: id, hostNetwork: false, podIP: ip)
}

func nodeRoll(
  node: String = "node-a", source: Source = .linux, address: String? = "10.0.0.1", ready: Bool = true, _ entries: [RollEntry],
  exempt: [ExemptEntry] = []
) -> NodeRoll {
  NodeRoll(
    node: node, source: source, address: address, nodeReady: ready, entries: entries, exempt: exempt,
    hash: entries.map { "\($0.reference.pod)/\($0.reference.container)/\($0.podUID)/\($0.containerID)" }.joined(separator: ","))
}

func allCollected(_ count: Int = 1, age: Duration = .zero, scrape: LastScrape = .notObservable) -> RollCall {
  RollCall(answers: Array(repeating: .collected(age: age), count: count), lastScrape: scrape)
}

func allMissed(_ reason: Reason, _ detail: String = "", count: Int = 1, scrape: LastScrape = .notObservable) -> RollCall {
  RollCall(answers: Array(repeating: .missed(reason, detail: detail), count: count), lastScrape: scrape)
}

extension Ledger {
  /// Every open gap, node by node.
  func gaps() -> [Gap] { gapsByNode().flatMap(\.self) }
}

/// A gap of the container `shop/POD/cart`.
func cartGap(
  _ pod: String, kind: GapKind = .uncollected, reason: Reason = .agentUnreachable, detail: String = "", since: Double = 0
) -> Gap {
  Gap(
    container: ContainerReference(namespace: "shop", pod: pod, container: "cart"), node: "w1", source: .linux, kind: kind, reason: reason,
    detail: detail, since: Moment(milliseconds: Int64(since * 1000)))
}
