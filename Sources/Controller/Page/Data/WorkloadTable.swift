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

/// Numbers the workloads of the Pods of one snapshot. A workload is read once for all Pods that share a text in memory, since hashing the
/// texts of 150,000 Pods would take longer than everything else.
struct WorkloadTable {
  private struct Shared: Hashable {
    var namespace: ObjectIdentifier
    var text: ObjectIdentifier
  }

  /// Keeps what `Shared` identifies.
  private let pods: StoreSnapshot<PodRecord>
  private(set) var names: [WorkloadName] = []
  private var numbers: [WorkloadName: Int] = [:]
  /// `nil` for Pods without a workload.
  private var shared: [Shared: Int?] = [:]

  init(_ pods: StoreSnapshot<PodRecord>) {
    self.pods = pods
  }

  private mutating func number(of pod: PodRecord) -> Int {
    guard let text = pod.commonText else { return number(of: pod.workloadName) }
    let key = Shared(namespace: pod.identity.namespace.place, text: text.place)
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

  /// The number of the workload of a Pod that is in the snapshot; `nil` for another.
  mutating func number(of reference: ContainerReference) -> Int? {
    pods[ObjectKey(namespace: reference.namespace, name: reference.pod)].map { number(of: $0) }
  }

  /// The workloads of the Pods on a node.
  mutating func members(onNode node: String) -> NodeMembers {
    var members = NodeMembers()
    for pod in pods.pods(onNode: node) { members.numbers[pod.identity.place] = number(of: pod) }
    return members
  }

  /// The number of a Pod on a roll. Roll and snapshot usually share the identity in memory; where the roll is older, it is looked up.
  mutating func number(of pod: PodIdentity, _ members: NodeMembers) -> Int? {
    if let number = members.numbers[pod.place] { return number }
    guard let record = pods[ObjectKey(namespace: pod.namespace.description, name: pod.name)], record.identity == pod else { return nil }
    return number(of: record)
  }

  /// The numbers of workloads by the places of the identities of Pods.
  struct NodeMembers {
    fileprivate var numbers: [ObjectIdentifier: Int] = [:]
  }
}

/// Which workloads a selection wants, decided once for each.
struct WantedWorkloads {
  private let isWanted: (WorkloadName) -> Bool
  private var known: [Bool] = []

  init(_ isWanted: @escaping (WorkloadName) -> Bool) {
    self.isWanted = isWanted
  }

  mutating func contains(_ number: Int, of table: borrowing WorkloadTable) -> Bool {
    while known.count <= number { known.append(isWanted(table.names[known.count])) }
    return known[number]
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
    var table = WorkloadTable(pods)
    var counted: [(pods: Int, counts: CoverageCounts)] = []
    func add(_ counts: CoverageCounts, pods: Int, to number: Int) {
      while counted.count <= number { counted.append((0, CoverageCounts())) }
      counted[number].pods += pods
      counted[number].counts.add(counts)
    }
    for node in nodes.values {
      let members = table.members(onNode: node.roll.node)
      node.roll.entries.forEachPod { pod, positions in
        guard let number = table.number(of: pod, members) else { return }
        var counts = CoverageCounts()
        for row in positions { counts.add(node.state(at: row, now: now, threshold: threshold)) }
        add(counts, pods: 1, to: number)
      }
      for entry in node.roll.exempt {
        guard let number = table.number(of: entry.reference) else { continue }
        var counts = CoverageCounts()
        counts.exempt = 1
        add(counts, pods: 0, to: number)
      }
    }
    return zip(table.names, counted).compactMap { name, counted -> WorkloadCounts? in
      guard counted.counts.all > 0, isWanted(name) else { return nil }
      return WorkloadCounts(name: name, pods: counted.pods, counts: counted.counts)
    }.sorted { $0.name < $1.name }
  }
}
