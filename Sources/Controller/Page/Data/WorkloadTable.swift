internal import KubeClient
internal import Primitives
internal import Roll

/// A workload in its namespace. A Pod without a workload is its own, of kind `Pod`.
struct WorkloadName: Hashable, Comparable, Sendable {
  var namespace: String
  var workload: Workload

  static func < (left: WorkloadName, right: WorkloadName) -> Bool {
    (left.namespace, left.workload.name, left.workload.kind) < (right.namespace, right.workload.name, right.workload.kind)
  }
}

extension PodRecord {
  var workloadName: WorkloadName {
    WorkloadName(namespace: namespace, workload: workload ?? Workload(kind: "Pod", name: name))
  }
}

/// Numbers the workloads of Pods. The workload is read once for all Pods that share a text, not for each.
struct WorkloadTable {
  private struct Shared: Hashable {
    var namespace: Name
    var text: Name
  }

  private(set) var names: [WorkloadName] = []
  private var numbers: [WorkloadName: Int] = [:]
  /// `nil` for Pods without a workload.
  private var shared: [Shared: Int?] = [:]

  mutating func number(of pod: PodRecord) -> Int {
    guard let text = pod.commonText else { return number(of: pod.workloadName) }
    let key = Shared(namespace: pod.identity.namespace, text: text)
    if let known = shared[key] { return known ?? number(of: pod.workloadName) }
    let number = number(of: pod.workloadName)
    shared[key] = .some(pod.workload == nil ? nil : number)
    return number
  }

  private mutating func number(of name: WorkloadName) -> Int {
    if let known = numbers[name] { return known }
    names.append(name)
    numbers[name] = names.count - 1
    return names.count - 1
  }

  /// The numbers of the workloads of a node's Pods.
  mutating func numbers(onNode node: String, _ pods: StoreSnapshot<PodRecord>) -> [PodIdentity: Int] {
    var numbers: [PodIdentity: Int] = [:]
    for pod in pods.pods(onNode: node) { numbers[pod.identity] = number(of: pod) }
    return numbers
  }

  /// The Pods of a workload on a node, in any namespace.
  mutating func pods(of workload: Workload, onNode node: String, _ pods: StoreSnapshot<PodRecord>) -> Set<PodIdentity> {
    var members: Set<PodIdentity> = []
    for pod in pods.pods(onNode: node) where names[number(of: pod)].workload == workload { members.insert(pod.identity) }
    return members
  }
}

/// A workload, counted.
struct WorkloadCounts: Sendable {
  var name: WorkloadName
  var pods: Int
  var counts: CoverageCounts
}

extension Ledger {
  /// Every workload that has containers, in order of namespace and name. A Pod that is on a roll and no longer in the store is left out.
  /// - Parameter isWanted: whether to count a workload.
  func workloadCounts(
    _ pods: StoreSnapshot<PodRecord>, at now: Moment, where isWanted: (WorkloadName) -> Bool = { _ in true }
  ) -> [WorkloadCounts] {
    var table = WorkloadTable()
    var counted: [(pods: Int, counts: CoverageCounts)] = []
    func reserve() {
      if counted.count < table.names.count {
        counted += Array(repeating: (0, CoverageCounts()), count: table.names.count - counted.count)
      }
    }
    for node in nodes.values {
      let numbers = table.numbers(onNode: node.roll.node, pods)
      reserve()
      node.roll.entries.forEachPod { pod, positions in
        guard let number = numbers[pod] else { return }
        counted[number].pods += 1
        for row in positions { counted[number].counts.add(node.state(at: row, now: now, threshold: threshold)) }
      }
      for entry in node.roll.exempt {
        guard let pod = pods[ObjectKey(namespace: entry.reference.namespace, name: entry.reference.pod)] else { continue }
        let number = table.number(of: pod)
        reserve()
        counted[number].counts.exempt += 1
      }
    }
    return zip(table.names, counted).compactMap { name, counted -> WorkloadCounts? in
      guard counted.counts.all > 0, isWanted(name) else { return nil }
      return WorkloadCounts(name: name, pods: counted.pods, counts: counted.counts)
    }.sorted { $0.name < $1.name }
  }
}
