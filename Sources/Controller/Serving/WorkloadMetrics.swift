internal import Exposition
internal import KubeClient
internal import Primitives

extension Ledger {
  /// From how many containers of each workload a collection is due.
  /// - Parameter pods: the Pods on a node.
  func expectedByWorkload(pods: (_ node: String) -> [PodRecord]) -> [WorkloadSums.Sum] {
    var sums = WorkloadSums()
    for (node, ledger) in nodes {
      var records: [ObjectIdentifier: PodRecord] = [:]
      let known = pods(node)
      records.reserveCapacity(known.count)
      for pod in known { records[pod.identity.memory] = pod }
      ledger.forEachExpectedPod { identity, expected in
        // The roll has the store's identities, except for a Pod that was replaced just now.
        let pod = records[identity.memory] ?? known.first { $0.identity == identity }
        sums.add(expected, of: pod, in: identity.namespace)
      }
    }
    return sums.sums()
  }
}

extension ExpositionWriter {
  /// The most workloads with a series of their own: those with the most containers.
  static let maximumWorkloads = 10_000

  /// Writes the sums. Containers of further workloads are added to those of their namespace that have no workload, so that the sum over a
  /// namespace is right.
  mutating func expectedContainers(_ sums: [WorkloadSums.Sum]) {
    var own = sums.filter { $0.workload != nil }
    var others: [String: Int] = [:]
    for sum in sums where sum.workload == nil { others[sum.namespace, default: 0] += sum.count }
    let leftOut = max(own.count - Self.maximumWorkloads, 0)
    if leftOut > 0 {
      own.sort { $0.count == $1.count ? $0.sortKey < $1.sortKey : $0.count > $1.count }
      for sum in own.suffix(leftOut) { others[sum.namespace, default: 0] += sum.count }
      own.removeLast(leftOut)
    }
    family(
      "rollcall_workload_expected_containers", .gauge,
      help: "Containers from which a collection is due, by workload; without a workload, those of other pods of the namespace.")
    for sum in own.sorted(by: { $0.sortKey < $1.sortKey }) {
      guard let workload = sum.workload else { continue }
      sample(
        "rollcall_workload_expected_containers",
        ["namespace": sum.namespace, "workload": workload.name, "workload_kind": workload.kind], sum.count)
    }
    for (namespace, count) in others.sorted(by: { $0.key < $1.key }) {
      sample("rollcall_workload_expected_containers", ["namespace": namespace], count)
    }
    family(
      "rollcall_workloads_left_out", .gauge,
      help: "Workloads without a series of rollcall_workload_expected_containers, because there are too many.", value: Double(leftOut))
  }
}

extension WorkloadSums.Sum {
  fileprivate var sortKey: (String, String, String) { (namespace, workload?.kind ?? "", workload?.name ?? "") }
}
