internal import Roll

/// Containers of a source, a node or a workload, counted by state.
struct CoverageCounts: Hashable, Sendable {
  var collected = 0
  var waiting = 0
  /// Open gaps, of both kinds.
  var gaps = 0
  var exempt = 0

  /// Containers from which a collection is due, or that have a gap.
  var expected: Int { collected + waiting + gaps }
  var all: Int { expected + exempt }

  mutating func add(_ state: ContainerState) {
    switch state {
    case .collected: collected += 1
    case .waiting: waiting += 1
    case .gap: gaps += 1
    case .exempt: exempt += 1
    }
  }

  mutating func add(_ other: CoverageCounts) {
    collected += other.collected
    waiting += other.waiting
    gaps += other.gaps
    exempt += other.exempt
  }

  var state: CoverageState {
    if gaps > 0 { return gaps == expected ? .missing : .partly }
    if expected == 0 { return .exempt }
    return waiting > 0 ? .waiting : .covered
  }
}

/// How well a node or a workload is covered. The names are in URLs and style sheets.
enum CoverageState: String, CaseIterable, Hashable, Sendable {
  /// No container is missing.
  case covered
  /// Some containers have not been collected within the threshold, and no gap is open.
  case waiting
  /// Some containers have a gap.
  case partly
  /// All containers have a gap.
  case missing
  /// Nothing is due from any container.
  case exempt

  var label: String {
    switch self {
    case .covered: "all covered"
    case .waiting: "not collected yet"
    case .partly: "some gaps"
    case .missing: "all missing"
    case .exempt: "nothing due"
    }
  }

  /// The worst first.
  var rank: Int {
    switch self {
    case .missing: 0
    case .partly: 1
    case .waiting: 2
    case .covered: 3
    case .exempt: 4
    }
  }
}

extension NodeLedger {
  func counts(at now: Moment, threshold: Duration) -> CoverageCounts {
    var counts = CoverageCounts()
    for row in rows.indices { counts.add(state(at: row, now: now, threshold: threshold)) }
    counts.exempt += roll.exempt.count
    return counts
  }
}

/// A node, counted.
struct NodeCounts: Sendable {
  var node: NodeLedger
  var counts: CoverageCounts

  var name: String { node.roll.node }
}

extension Ledger {
  /// Every node, in order of name.
  func nodeCounts(at now: Moment) -> [NodeCounts] {
    nodes.values.map { NodeCounts(node: $0, counts: $0.counts(at: now, threshold: threshold)) }.sorted { $0.name < $1.name }
  }
}
