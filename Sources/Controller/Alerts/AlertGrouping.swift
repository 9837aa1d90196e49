import KubeClient
import Roll

/// The groups that have an alert. A leader hands them over, because a group keeps its alert after the gaps have become few.
struct AlertGroups: Hashable, Sendable {
  var nodes: Set<NodeAlertKey> = []
  var workloads: Set<WorkloadAlertKey> = []

  var isEmpty: Bool { nodes.isEmpty && workloads.isEmpty }
}

/// Decides which alert reports each gap: one on the node if nothing on it is collected (scraped), one on the workload if more than a few of
/// its containers have a gap or if its monitor is the cause, and otherwise one for each gap. Pure.
///
/// A group, once it has an alert, keeps it until its last gap has closed, so that a number that goes up and down around the limit does not
/// end and begin alerts. Only the alert on a node gives way earlier: when the node has been partly collected for a while.
struct AlertGrouping {
  /// More gaps of one workload than this are one alert.
  static let fewGaps = 3
  /// How long a node's alert outlasts the first collection on it. The pods of a virtual node are called one by one within an interval.
  static let settle: Duration = .seconds(60)
  /// How long to wait for the first call of a node, which shows whether anything on it is collected. A new leader calls every node within
  /// seconds, and the alerts of the last leader do not end that soon.
  static let patience: Duration = .seconds(30)

  /// Nodes with an alert, and since when they are partly collected.
  private var nodes: [NodeAlertKey: Moment?] = [:]
  /// Workloads with an alert.
  private var workloads: Set<WorkloadAlertKey> = []
  /// Since when gaps wait for the first call of their node.
  private var waiting: [String: Moment] = [:]

  /// Whether gaps were left out, because their node has not been called yet.
  private(set) var isWaiting = false

  /// The groups that have an alert, for the next leader.
  var groups: AlertGroups { AlertGroups(nodes: Set(nodes.keys), workloads: workloads) }

  /// Continues the groups of an earlier leader that still have a gap.
  mutating func takeOver(_ groups: AlertGroups) {
    for key in groups.nodes where nodes[key] == nil { nodes[key] = .some(nil) }
    workloads.formUnion(groups.workloads)
  }

  /// When time alone may change the alerts; `nil` if it does not.
  private(set) var nextChange: Moment?

  /// The alerts for all open gaps: first those on nodes, then those on workloads, then those on single containers.
  mutating func alerts(
    for gapsByNode: some Sequence<NodeGaps>, at now: Moment, workload: (ContainerReference) -> Workload?
  ) -> [Alert] {
    nextChange = nil
    isWaiting = false
    var onNodes: [NodeAlertKey: GapGroup] = [:]
    var single: [(gap: Gap, workload: Workload?)] = []
    var onWorkloads: [WorkloadAlertKey: GapGroup] = [:]
    /// The gaps of workloads that have only a few.
    var few: [WorkloadAlertKey: [(gap: Gap, workload: Workload?)]] = [:]
    /// Workloads whose monitor is the cause, however few containers they have.
    var monitored: Set<WorkloadAlertKey> = []
    var waitingNow: [String: Moment] = [:]

    for node in gapsByNode {
      if node.collection == .unknown {
        let since = waiting[node.node] ?? now
        waitingNow[node.node] = since
        if now - since < Self.patience {
          isWaiting = true
          changeAt(min(since + Self.patience, now + .seconds(1)))
          continue
        }
      }
      for kind in GapKind.allCases {
        var gaps = node.gaps.filter { $0.kind == kind }
        // Usually one key: policies may give different labels to containers of a node.
        var keys: [NodeAlertKey: Bool] = [:]
        gaps.removeAll { gap in
          guard !gap.reason.isOfScrapes else { return false }
          let key = NodeAlertKey(gap)
          let isOfNode = keys[key] ?? isOfNode(key, node, at: now)
          keys[key] = isOfNode
          if isOfNode { Self.add(gap, to: &onNodes[key]) }
          return isOfNode
        }
        for gap in gaps {
          guard let workload = workload(gap.container) else {
            single.append((gap, nil))
            continue
          }
          let key = WorkloadAlertKey(gap, workload)
          Self.add(gap, to: &onWorkloads[key])
          if gap.reason.isOfMonitor { monitored.insert(key) }
          if let group = onWorkloads[key], group.count <= Self.fewGaps, !workloads.contains(key) {
            few[key, default: []].append((gap, workload))
          }
        }
      }
    }
    nodes = nodes.filter { onNodes[$0.key] != nil || isWaiting && waitingNow[$0.key.node] != nil }
    waiting = waitingNow
    let many = onWorkloads.filter { $0.value.count > Self.fewGaps || workloads.contains($0.key) || monitored.contains($0.key) }.keys
    // A gap that waits may be of any of them.
    workloads = isWaiting ? workloads.union(many) : Set(many)
    for (key, gaps) in few where !workloads.contains(key) { single += gaps }
    single.sort { GapKey($0.gap) < GapKey($1.gap) }
    return onNodes.sorted { $0.key < $1.key }.map { .node($0.key, $0.value) }
      + onWorkloads.filter { workloads.contains($0.key) }.sorted { $0.key < $1.key }.map { .workload($0.key, $0.value) }
      + single.map { .gap($0.gap, workload: $0.workload) }
  }

  /// Whether one alert on the node reports its gaps of one kind.
  private mutating func isOfNode(_ key: NodeAlertKey, _ node: NodeGaps, at now: Moment) -> Bool {
    guard let partlySince = nodes[key] else {
      guard node.areOfNode(key.kind) else { return false }
      nodes[key] = .some(nil)
      return true
    }
    guard key.kind == .uncollected, node.collection == .some else {
      nodes[key] = .some(nil)
      return true
    }
    let since = partlySince ?? now
    guard now - since < Self.settle else {
      nodes[key] = nil
      return false
    }
    nodes[key] = since
    changeAt(since + Self.settle)
    return true
  }

  private mutating func changeAt(_ moment: Moment) {
    nextChange = nextChange.map { min($0, moment) } ?? moment
  }

  /// The alerts that another leader may have sent for these gaps.
  static func possibleAlerts(for gaps: some Sequence<Gap>, workload: (ContainerReference) -> Workload?) -> [Alert] {
    var nodes: [NodeAlertKey: GapGroup] = [:]
    var workloads: [WorkloadAlertKey: GapGroup] = [:]
    var single: [Alert] = []
    for gap in gaps {
      add(gap, to: &nodes[NodeAlertKey(gap)])
      let workload = workload(gap.container)
      if let workload { add(gap, to: &workloads[WorkloadAlertKey(gap, workload)]) }
      single.append(.gap(gap, workload: workload))
    }
    return nodes.map { .node($0.key, $0.value) } + workloads.map { .workload($0.key, $0.value) } + single
  }

  private static func add(_ gap: Gap, to group: inout GapGroup?) {
    if group == nil { group = GapGroup(gap) } else { group?.add(gap) }
  }
}
