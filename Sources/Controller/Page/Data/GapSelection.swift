internal import KubeClient
internal import Primitives
internal import Roll

/// Which open gaps a view shows.
struct GapFilter: Sendable {
  var text: String?
  var namespace: String?
  var workload: Workload?
  var node: String?
  var source: Source?
  var kind: GapKind?
  var reason: Reason?
}

enum GapOrder: String, CaseIterable, Sendable {
  case oldest, newest, container, node, reason

  var label: String {
    switch self {
    case .oldest: "oldest first"
    case .newest: "newest first"
    case .container: "by container"
    case .node: "by node"
    case .reason: "by reason"
    }
  }
}

/// The selected gaps, counted, and one page of them. In a large outage every container has one, so texts are made for the page only.
struct GapSelection: Sendable {
  /// The number of all open gaps on the rolls.
  private(set) var total = 0
  /// The number of those that are selected.
  private(set) var selected = 0
  /// Of the selected ones.
  private(set) var byReason: [(reason: Reason, count: Int)] = []
  private(set) var page: [Gap] = []

  /// A gap, by its place in the ledger.
  private struct Place {
    var node: Int32
    var row: Int32
    var since: Int64
    var reason: UInt8
    /// For the order by container only.
    var pod: PodIdentity?
  }

  init(_ filter: GapFilter, order: GapOrder, offset: Int, limit: Int, ledger: Ledger, pods: StoreSnapshot<PodRecord>) {
    let nodes = ledger.nodes.values.filter { $0.openGapCount > 0 }.sorted { $0.roll.node < $1.roll.node }
    total = nodes.reduce(0) { $0 + $1.openGapCount }
    var reasons = ReasonCounts()
    var first = FirstItems<Place>(offset + limit, by: Self.comparison(order))
    let matcher = GapMatcher(filter)
    var workloads = WorkloadTable(pods)
    var wanted = filter.workload.map { workload in WantedWorkloads { $0.workload == workload } }
    var selected = 0
    for (index, node) in nodes.enumerated() where matcher.matches(node: node.roll) {
      let members = wanted == nil ? nil : workloads.members(onNode: node.roll.node)
      let matchesNode = matcher.matchesText(node: node.roll.node)
      node.roll.entries.forEachPod { pod, positions in
        guard matcher.matches(pod) else { return }
        if let members {
          guard let number = workloads.number(of: pod, members), wanted?.contains(number, of: workloads) == true else { return }
        }
        let matchesPod = matchesNode || matcher.matchesText(pod)
        for row in positions {
          guard let gap = node.gapHead(at: row), matcher.matches(gap) else { continue }
          guard matchesPod || matcher.matchesText(pod, node.roll.entries.containerName(at: row)) else { continue }
          selected += 1
          let rank = reasons.add(gap.reason)
          guard limit > 0 else { continue }
          first.add(
            Place(
              node: Int32(index), row: Int32(row), since: gap.since.milliseconds, reason: rank, pod: order == .container ? pod : nil))
        }
      }
    }
    self.selected = selected
    byReason = reasons.sorted
    page = first.sorted().dropFirst(offset).compactMap { nodes[Int($0.node)].gap(at: Int($0.row)) }
  }

  private static func comparison(_ order: GapOrder) -> (Place, Place) -> Bool {
    switch order {
    case .oldest: { ($0.since, $0.node, $0.row) < ($1.since, $1.node, $1.row) }
    case .newest: { ($1.since, $0.node, $0.row) < ($0.since, $1.node, $1.row) }
    case .node: { ($0.node, $0.row) < ($1.node, $1.row) }
    case .reason: { ($0.reason, $0.since, $0.node, $0.row) < ($1.reason, $1.since, $1.node, $1.row) }
    case .container:
      { left, right in
        guard let leftPod = left.pod, let rightPod = right.pod, leftPod != rightPod else { return left.row < right.row }
        return leftPod < rightPod
      }
    }
  }
}

/// Counts reasons. In an outage most gaps have the one before theirs, which saves hashing it.
private struct ReasonCounts {
  private static let ranks = Dictionary(uniqueKeysWithValues: zip(Reason.allCases, 0..<UInt8(Reason.allCases.count)))

  private var counts = Array(repeating: 0, count: Reason.allCases.count)
  private var last: (reason: Reason, rank: UInt8)?

  /// - Returns: the place of the reason among all.
  mutating func add(_ reason: Reason) -> UInt8 {
    if let last, last.reason == reason {
      counts[Int(last.rank)] += 1
      return last.rank
    }
    let rank = Self.ranks[reason] ?? 0
    last = (reason, rank)
    counts[Int(rank)] += 1
    return rank
  }

  /// Those that occur, the most frequent first.
  var sorted: [(reason: Reason, count: Int)] {
    zip(Reason.allCases, counts).filter { $0.1 > 0 }.sorted { $0.1 > $1.1 }.map { (reason: $0.0, count: $0.1) }
  }
}

/// Whether gaps match a filter. Compares bytes, so that no texts are made.
private struct GapMatcher {
  private let filter: GapFilter
  private let namespace: Name?
  private let text: [UInt8]

  init(_ filter: GapFilter) {
    self.filter = filter
    namespace = filter.namespace.map { Name($0) }
    text = Array((filter.text ?? "").lowercased().utf8)
  }

  func matches(node: NodeRoll) -> Bool {
    (filter.node == nil || filter.node == node.node) && (filter.source == nil || filter.source == node.source)
  }

  func matches(_ gap: GapHead) -> Bool {
    (filter.kind == nil || filter.kind == gap.kind) && (filter.reason == nil || filter.reason == gap.reason)
  }

  /// Whether the Pod is in the namespace.
  func matches(_ pod: PodIdentity) -> Bool { namespace.map { pod.namespace == $0 } ?? true }

  /// Whether the text is in a name. Without a text everything has it.
  func matchesText(node: String) -> Bool { text.isEmpty || SearchText.contains(text, node) }
  func matchesText(_ pod: PodIdentity) -> Bool { SearchText.contains(text, pod) }
  func matchesText(_ pod: PodIdentity, _ container: Name) -> Bool { SearchText.contains(text, pod, container) }
}
