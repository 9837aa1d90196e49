internal import KubeClient
internal import Primitives
internal import Roll

extension PageBuilder {
  private static let found = 50

  /// Nodes, workloads and containers whose names have a text.
  func searchView() -> ViewBody {
    let words = query[.q] ?? ""
    let text = Array(words.lowercased().utf8)
    guard !text.isEmpty else {
      return ViewBody(title: "Find", template: "search", fields: ["isEmpty": true, "hint": "Write a part of a name."])
    }
    let nodes = ledger.nodeCounts(at: now).filter { SearchText.contains(text, $0.name) }
    let workloads = ledger.workloadCounts(source.pods(), at: now) { SearchText.contains(text, "\($0.namespace)/\($0.workload)") }
    let (containers, count) = containers(text)
    let fields: Fields = [
      "isEmpty": nodes.isEmpty && workloads.isEmpty && containers.isEmpty, "hint": "Nothing on a roll is named like that.",
      "nodes": nodes.prefix(Self.found).map { node -> Fields in
        numbers(node.counts).merging(["node": self.node(node.name), "source": node.node.roll.source.rawValue]) { $1 }
      },
      "workloads": workloads.prefix(Self.found).map { workload -> Fields in
        numbers(workload.counts).merging(["namespace": workload.name.namespace, "workload": self.workload(workload.name)]) { $1 }
      },
      "containers": containers, "nodeCount": nodes.count, "workloadCount": workloads.count, "containerCount": count,
      "hasNodes": !nodes.isEmpty, "hasWorkloads": !workloads.isEmpty, "hasContainers": !containers.isEmpty, "shown": Self.found,
      "moreNodesURL": links.to(.nodes, PageQuery().with(.q, words)),
      "moreWorkloadsURL": links.to(.workloads, PageQuery().with(.q, words)),
    ]
    return ViewBody(title: "Find “\(words)”", template: "search", fields: fields)
  }

  /// The first containers, in order of node, and the number of all.
  private func containers(_ text: [UInt8]) -> ([Fields], Int) {
    var found: [Fields] = []
    var count = 0
    let pods = source.pods()
    for node in ledger.nodes.values.sorted(by: { $0.roll.node < $1.roll.node }) {
      node.roll.entries.forEachPod { pod, positions in
        let isOfPod = SearchText.contains(text, pod)
        for row in positions where isOfPod || SearchText.contains(text, pod, node.roll.entries.containerName(at: row)) {
          count += 1
          if found.count < Self.found {
            found.append(standingRow(node.standing(at: row, now: now, threshold: ledger.threshold), on: node, pods))
          }
        }
      }
    }
    return (found, count)
  }
}
