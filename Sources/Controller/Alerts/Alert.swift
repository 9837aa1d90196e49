import JSON
import KubeClient
import Roll

/// An alert, before it is encoded.
enum Alert: Hashable {
  case gap(Gap, workload: Workload?)
  /// The gaps of a node on which nothing is collected (scraped).
  case node(NodeAlertKey, GapGroup)
  /// Gaps of one workload.
  case workload(WorkloadAlertKey, GapGroup)
  /// `leftOut` gaps are not in any other alert.
  case tooManyGaps(leftOut: Int, since: Moment)

  var key: AlertKey {
    switch self {
    case .gap(let gap, _): .gap(GapKey(gap))
    case .node(let key, _): .node(key)
    case .workload(let key, _): .workload(key)
    case .tooManyGaps: .tooManyGaps
    }
  }

  /// The beginning of its oldest gap.
  var since: Moment {
    switch self {
    case .gap(let gap, _): gap.since
    case .node(_, let group), .workload(_, let group): group.oldest.since
    case .tooManyGaps(_, let since): since
    }
  }

  /// The number of gaps that it reports.
  var gapCount: Int {
    switch self {
    case .gap: 1
    case .node(_, let group), .workload(_, let group): group.count
    case .tooManyGaps(let leftOut, _): leftOut
    }
  }

  /// Whether it must be sent at once although `old` was sent before: the reason of the gap changed. The numbers of a group change more
  /// often and wait until it is repeated.
  func hasNewReason(comparedWith old: Alert) -> Bool {
    guard case .gap(let gap, _) = self, case .gap(let oldGap, _) = old else { return false }
    return gap.reason != oldGap.reason
  }

  /// The alert with the labels of an earlier version of itself. The workload of a pod that was deleted just now is unknown.
  func continuing(_ old: Alert) -> Alert {
    guard case .gap(let gap, _) = self, case .gap(_, let workload) = old else { return self }
    return .gap(gap, workload: workload)
  }

  /// The alerts that may report its gaps instead.
  var possibleSuccessors: [AlertKey] {
    guard case .gap(let gap, let workload) = self else { return [] }
    let node = AlertKey.node(NodeAlertKey(gap))
    return workload.map { [node, .workload(WorkloadAlertKey(gap, $0))] } ?? [node]
  }
}

/// The identity of an alert. Alertmanager identifies alerts by their labels, so the labels are derived from this key, and from the
/// workload, which stays the same as long as the pod.
enum AlertKey: Hashable, Comparable {
  case tooManyGaps
  case node(NodeAlertKey)
  case workload(WorkloadAlertKey)
  case gap(GapKey)

  /// The labels that policies give to the alert.
  var terms: AlertTerms {
    switch self {
    case .tooManyGaps: AlertTerms()
    case .node(let key): key.terms
    case .workload(let key): key.terms
    case .gap(let key): key.terms
    }
  }

  /// What the alert is about, whatever labels policies give to it.
  var subject: AlertKey {
    switch self {
    case .tooManyGaps: return self
    case .node(var key):
      key.terms = AlertTerms()
      return .node(key)
    case .workload(var key):
      key.terms = AlertTerms()
      return .workload(key)
    case .gap(var key):
      key.terms = AlertTerms()
      return .gap(key)
    }
  }
}

/// The identity of a gap.
///
/// The reason is not part of it. It may change while a gap is open, for example from `AgentTimeout` to `AgentUnreachable`; as a label it
/// would start a new alert and resolve the old one. It is an annotation, which Alertmanager replaces in place.
struct GapKey: Hashable, Comparable {
  var container: ContainerReference
  var node: String
  var source: Source
  var kind: GapKind
  /// Labels of policies, which are part of what identifies an alert.
  var terms: AlertTerms

  init(_ gap: Gap) {
    container = gap.container
    node = gap.node
    source = gap.source
    kind = gap.kind
    terms = gap.terms?.alerts ?? AlertTerms()
  }

  static func < (left: GapKey, right: GapKey) -> Bool {
    (left.container, left.node, left.source.rawValue, left.kind.rawValue, left.terms) < (
      right.container, right.node, right.source.rawValue, right.kind.rawValue, right.terms
    )
  }
}

/// The identity of the alert on a node.
struct NodeAlertKey: Hashable, Comparable {
  var node: String
  var source: Source
  var kind: GapKind
  /// Containers whose alerts have different labels have an alert each.
  var terms: AlertTerms

  init(node: String, source: Source, kind: GapKind, terms: AlertTerms = AlertTerms()) {
    self.node = node
    self.source = source
    self.kind = kind
    self.terms = terms
  }

  init(_ gap: Gap) {
    self.init(node: gap.node, source: gap.source, kind: gap.kind, terms: gap.terms?.alerts ?? AlertTerms())
  }

  static func < (left: NodeAlertKey, right: NodeAlertKey) -> Bool {
    (left.node, left.source.rawValue, left.kind.rawValue, left.terms) < (
      right.node, right.source.rawValue, right.kind.rawValue, right.terms
    )
  }
}

/// The identity of the alert on a workload.
struct WorkloadAlertKey: Hashable, Comparable {
  var namespace: String
  var workload: Workload
  var kind: GapKind
  var terms: AlertTerms

  init(namespace: String, workload: Workload, kind: GapKind, terms: AlertTerms = AlertTerms()) {
    self.namespace = namespace
    self.workload = workload
    self.kind = kind
    self.terms = terms
  }

  init(_ gap: Gap, _ workload: Workload) {
    self.init(namespace: gap.container.namespace, workload: workload, kind: gap.kind, terms: gap.terms?.alerts ?? AlertTerms())
  }

  static func < (left: WorkloadAlertKey, right: WorkloadAlertKey) -> Bool {
    (left.namespace, left.workload.kind, left.workload.name, left.kind.rawValue, left.terms) < (
      right.namespace, right.workload.kind, right.workload.name, right.kind.rawValue, right.terms
    )
  }
}

/// What an alert says about several gaps.
struct GapGroup: Hashable {
  private static let maximumExamples = 3

  private(set) var count = 0
  private(set) var oldest: Gap
  private var reasons: [Reason: Int] = [:]
  /// The containers of the first gaps.
  private(set) var examples: [ContainerReference] = []

  init(_ first: Gap) {
    oldest = first
    add(first)
  }

  mutating func add(_ gap: Gap) {
    count += 1
    reasons[gap.reason, default: 0] += 1
    if gap.since < oldest.since { oldest = gap }
    if examples.count < Self.maximumExamples { examples.append(gap.container) }
  }

  /// The most frequent reason.
  var reason: Reason {
    reasons.max { ($0.value, $1.key.rawValue) < ($1.value, $0.key.rawValue) }?.key ?? oldest.reason
  }
}
