internal import KubeClient
internal import Primitives

/// A monitor in `ScrapeExpectations`.
struct MonitorEntry: Sendable {
  let record: MonitorRecord
  /// By the index of the endpoint.
  let ports: [PortMatcher]
  var adoption: MonitorAdoption

  init(_ record: MonitorRecord, adoption: MonitorAdoption) {
    self.record = record
    self.adoption = adoption
    ports = record.endpoints.map { PortMatcher($0.port, of: record.id.kind) }
  }
}

extension MonitorRecord {
  /// Whether both select the same Services or Pods.
  func selectsAlike(_ other: MonitorRecord) -> Bool {
    selector == other.selector && mechanism == other.mechanism && namespaces == other.namespaces
      && endpoints.isEmpty == other.endpoints.isEmpty && discoveries.isEmpty == other.discoveries.isEmpty
  }
}

/// A Service in `ScrapeExpectations`.
struct ServiceEntry: Sendable {
  let key: ObjectKey
  /// `nil` while only slices of it are known.
  var record: ServiceRecord?
  var slices: [EndpointSliceRecord] = []
  /// The monitors that select it.
  var monitors = SlotSet()

  init(key: ObjectKey) { self.key = key }
}

/// The Pods of one namespace that have labels, ports and annotations in common, usually those of one workload.
struct PodGroup: Sendable {
  struct Key: Hashable, Sendable {
    var namespace: Name
    var common: Name?
  }

  let namespace: String
  /// Without those that differ between the Pods.
  let labels: PackedLabels
  let annotations: [String: String]
  let containers: [ScrapeFacts.Container]
  /// The monitors of Pods that select it.
  var monitors = SlotSet()
  /// Those whose selector is on a label that differs between the Pods.
  var undecided = SlotSet()
  /// The Services whose selector matches it.
  var services = SlotSet()
  /// The last pass that asked for one of its Pods.
  var pass: Int

  init(_ key: Key, pass: Int) {
    self.pass = pass
    namespace = key.namespace.description
    guard let common = key.common else {
      (labels, annotations, containers) = (PackedLabels(), [:], [])
      return
    }
    let facts = ScrapeFacts(common: common)
    labels = ScrapeFacts.labels(common: common)
    annotations = facts.annotations
    containers = facts.containers
  }
}

/// A few slots, sorted.
struct SlotSet: Sendable, Equatable {
  private(set) var slots: [Int32] = []

  mutating func insert(_ slot: Int) {
    let slot = Int32(slot)
    // New slots are usually the highest.
    guard let last = slots.last, last >= slot else { return slots.append(slot) }
    let index = slots.firstIndex { $0 >= slot } ?? slots.endIndex
    if slots[index] != slot { slots.insert(slot, at: index) }
  }

  mutating func remove(_ slot: Int) {
    if let index = slots.firstIndex(of: Int32(slot)) { slots.remove(at: index) }
  }
}

/// Values in numbered slots. Slots of removed values are used again.
struct SlotArray<Value: Sendable>: Sendable {
  private var slots: [Value?] = []
  private var free: [Int] = []

  var values: some Sequence<Value> { slots.lazy.compactMap { $0 } }

  subscript(slot: Int) -> Value? {
    get { slots[slot] }
    set { slots[slot] = newValue }
  }

  mutating func insert(_ value: Value) -> Int {
    if let slot = free.popLast() {
      slots[slot] = value
      return slot
    }
    slots.append(value)
    return slots.count - 1
  }

  mutating func remove(_ slot: Int) {
    slots[slot] = nil
    free.append(slot)
  }

  /// Changes the value in place.
  mutating func update(_ slot: Int, _ body: (inout Value) -> Void) {
    guard var value = slots[slot].take() else { return }
    body(&value)
    slots[slot] = value
  }
}

/// Monitors by the namespaces that they look in. Each is also found in its own namespace, to which a Prometheus object may reduce it.
struct ScopeIndex: Sendable {
  private var anywhere: Set<Int> = []
  private var byNamespace: [String: Set<Int>] = [:]

  mutating func insert(_ slot: Int, _ monitor: MonitorRecord) {
    if monitor.namespaces == .any { anywhere.insert(slot) }
    for namespace in Self.namespaces(of: monitor) { byNamespace[namespace, default: []].insert(slot) }
  }

  mutating func remove(_ slot: Int, _ monitor: MonitorRecord) {
    anywhere.remove(slot)
    for namespace in Self.namespaces(of: monitor) {
      byNamespace[namespace]?.remove(slot)
      if byNamespace[namespace]?.isEmpty == true { byNamespace[namespace] = nil }
    }
  }

  private static func namespaces(of monitor: MonitorRecord) -> [String] {
    if case .listed(let names) = monitor.namespaces { names + [monitor.id.namespace] } else { [monitor.id.namespace] }
  }

  func slots(lookingIn namespace: String) -> Set<Int> { anywhere.union(byNamespace[namespace] ?? []) }
}

/// Services by their selectors: each is found by one of its pairs, so that few are compared with a Pod.
struct SelectorIndex: Sendable {
  private struct Pair: Hashable {
    var namespace: String
    var key: String
    var value: String
  }

  private var byPair: [Pair: Set<Int>] = [:]
  /// Services without a selector that have Pods as endpoints.
  private var manualServices: [String: Set<Int>] = [:]

  /// The pair by which a selector is found: of a label that tells Pods apart if it has one, else the rarest value by its length, which is
  /// the same whenever it is asked for.
  private static func pair(_ selector: [String: String], namespace: String) -> Pair? {
    let pair = selector.max {
      (PodRecord.isOwnLabel($0.key) ? 1 : 0, $0.value.utf8.count, $0.key) < (
        PodRecord.isOwnLabel($1.key) ? 1 : 0, $1.value.utf8.count, $1.key
      )
    }
    return pair.map { Pair(namespace: namespace, key: $0.key, value: $0.value) }
  }

  mutating func insert(_ slot: Int, namespace: String, selector: [String: String]) {
    if let pair = Self.pair(selector, namespace: namespace) { byPair[pair, default: []].insert(slot) }
  }

  mutating func remove(_ slot: Int, namespace: String, selector: [String: String]) {
    guard let pair = Self.pair(selector, namespace: namespace) else { return }
    byPair[pair]?.remove(slot)
    if byPair[pair]?.isEmpty == true { byPair[pair] = nil }
  }

  /// The Services that may select Pods with these labels, among others.
  func candidates(_ labels: PackedLabels, namespace: String) -> [Int] {
    labels.dictionary.flatMap { byPair[Pair(namespace: namespace, key: $0.key, value: $0.value)] ?? [] }
  }

  mutating func setManual(_ slot: Int, namespace: String, _ isManual: Bool) {
    if isManual {
      manualServices[namespace, default: []].insert(slot)
    } else if manualServices[namespace]?.remove(slot) != nil, manualServices[namespace]?.isEmpty == true {
      manualServices[namespace] = nil
    }
  }

  func manual(namespace: String) -> Set<Int> { manualServices[namespace] ?? [] }
}

extension PackedLabels {
  /// Whether all these labels are among them.
  func contain(_ wanted: [String: String]) -> Bool { wanted.allSatisfy { self[$0.key] == $0.value } }
}
