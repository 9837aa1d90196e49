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
  }

  init(_ filter: GapFilter, order: GapOrder, offset: Int, limit: Int, ledger: Ledger, pods: StoreSnapshot<PodRecord>) {
    let nodes = ledger.nodes.values.filter { $0.openGapCount > 0 }.sorted { $0.roll.node < $1.roll.node }
    total = nodes.reduce(0) { $0 + $1.openGapCount }
    let reasons = Reason.allCases
    let ranks = Dictionary(uniqueKeysWithValues: zip(reasons, 0..<UInt8(reasons.count)))
    var counts = Array(repeating: 0, count: reasons.count)
    var first = FirstItems<Place>(offset + limit, by: Self.comparison(order, nodes))
    let matcher = GapMatcher(filter)
    var workloads = WorkloadTable()
    var selected = 0
    for (index, node) in nodes.enumerated() where matcher.matches(node: node.roll) {
      let members = filter.workload.map { workloads.pods(of: $0, onNode: node.roll.node, pods) }
      node.roll.entries.forEachPod { pod, positions in
        var isOfPod: Bool?
        for row in positions {
          guard let gap = node.gapHead(at: row), matcher.matches(gap) else { continue }
          let matches = isOfPod ?? (matcher.matches(pod) && members?.contains(pod) ?? true)
          isOfPod = matches
          guard matches, matcher.matchesText(pod, node.roll.entries.containerName(at: row), node: node.roll.node) else { continue }
          let rank = ranks[gap.reason] ?? 0
          counts[Int(rank)] += 1
          selected += 1
          first.add(Place(node: Int32(index), row: Int32(row), since: gap.since.milliseconds, reason: rank))
        }
      }
    }
    self.selected = selected
    byReason = zip(reasons, counts).filter { $0.1 > 0 }.sorted { $0.1 > $1.1 }.map { (reason: $0.0, count: $0.1) }
    page = first.sorted().dropFirst(offset).compactMap { nodes[Int($0.node)].gap(at: Int($0.row)) }
  }

  private static func comparison(_ order: GapOrder, _ nodes: [NodeLedger]) -> (Place, Place) -> Bool {
    switch order {
    case .oldest: { ($0.since, $0.node, $0.row) < ($1.since, $1.node, $1.row) }
    case .newest: { ($1.since, $0.node, $0.row) < ($0.since, $1.node, $1.row) }
    case .node: { ($0.node, $0.row) < ($1.node, $1.row) }
    case .reason: { ($0.reason, $0.since, $0.node, $0.row) < ($1.reason, $1.since, $1.node, $1.row) }
    case .container:
      { left, right in
        let (leftEntries, rightEntries) = (nodes[Int(left.node)].roll.entries, nodes[Int(right.node)].roll.entries)
        let (leftPod, rightPod) = (leftEntries.pod(at: Int(left.row)), rightEntries.pod(at: Int(right.row)))
        return leftPod == rightPod ? left.row < right.row : leftPod < rightPod
      }
    }
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

  func matchesText(_ pod: PodIdentity, _ container: Name, node: String) -> Bool {
    text.isEmpty || SearchText.contains(text, pod, container) || SearchText.contains(text, node)
  }
}
