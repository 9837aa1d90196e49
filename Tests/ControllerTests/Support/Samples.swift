import Controller
import Roll

func at(_ seconds: Double) -> Moment { Moment(milliseconds: Int64(seconds * 1000)) }

func reference(_ name: String, pod: String = "web-0") -> ContainerReference {
  ContainerReference(namespace: "shop", pod: pod, container: name)
}

func entry(_ name: String, pod: String = "web-0", uid: String = "uid-1", id: String = "aaaa", ip: String? = "10.1.0.7") -> RollEntry {
  RollEntry(reference: reference(name, pod: pod), podUID: uid, containerID: id, hostNetwork: false, podIP: ip)
}

func roll(
  node: String = "node-a", source: Source = .linux, address: String? = "10.0.0.1", ready: Bool = true, _ entries: [RollEntry],
  exempt: [ExemptEntry] = []
) -> NodeRoll {
  NodeRoll(
    node: node, source: source, address: address, nodeReady: ready, entries: entries, exempt: exempt,
    hash: entries.map { "\($0.reference.pod)/\($0.reference.container)/\($0.podUID)/\($0.containerID)" }.joined(separator: ","))
}

func collected(_ count: Int = 1, age: Duration = .zero, scrape: LastScrape = .notObservable) -> RollCall {
  RollCall(answers: Array(repeating: .collected(age: age), count: count), lastScrape: scrape)
}

func missed(_ reason: Reason, _ detail: String = "", count: Int = 1, scrape: LastScrape = .notObservable) -> RollCall {
  RollCall(answers: Array(repeating: .missed(reason, detail: detail), count: count), lastScrape: scrape)
}

extension Ledger {
  /// Every open gap, node by node.
  func gaps() -> [Gap] { gapsByNode().flatMap(\.self) }
}
