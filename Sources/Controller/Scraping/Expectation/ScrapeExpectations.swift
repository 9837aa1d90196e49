package import KubeClient
internal import Primitives

/// What each container of the cluster asks for: pure, and kept up to date object by object.
///
/// A change of an object evaluates only selectors that the object has or that may select it. Pods are not entered: those of one workload
/// have labels and ports in common and are selected alike, so their group is evaluated once, when the first of them is asked for. What is
/// kept therefore grows with the number of workloads, not of Pods.
package struct ScrapeExpectations: Sendable {
  var monitors = SlotArray<MonitorEntry>()
  var services = SlotArray<ServiceEntry>()
  var groups = SlotArray<PodGroup>()

  private var prometheuses: [PrometheusID: PrometheusRecord] = [:]
  private var namespaceLabels: [String: [String: String]] = [:]
  private var monitorSlots: [MonitorID: Int] = [:]
  private var serviceSlots: [ObjectKey: Int] = [:]
  private var groupSlots: [PodGroup.Key: Int] = [:]
  /// The Service of each slice.
  private var sliceServices: [ObjectKey: Int] = [:]

  /// Monitors of Services, monitors of Pods, Services and groups, by where they look or are.
  private var serviceMonitors = ScopeIndex()
  private var podMonitors = ScopeIndex()
  private var servicesByNamespace: [String: Set<Int>] = [:]
  private var groupsByNamespace: [String: Set<Int>] = [:]
  private var servicesBySelector = SelectorIndex()
  /// ScrapeConfigs that discover Pods.
  private(set) var discoveries: Set<Int> = []

  private var pass = 0

  /// How many label selectors were evaluated since the start.
  package internal(set) var evaluations = 0

  package init() {}
}

// MARK: Monitors

extension ScrapeExpectations {
  /// Enters a monitor, or replaces its earlier version.
  package mutating func set(_ monitor: MonitorRecord) {
    let slot = monitorSlots[monitor.id]
    let old = slot.flatMap { monitors[$0]?.record }
    if old == monitor { return }
    let adoption = adoption(of: monitor)
    let entry = MonitorEntry(monitor, adoption: adoption)
    if let slot, let old, old.selectsAlike(monitor) {
      monitors[slot] = entry
      return
    }
    if slot != nil { removeMonitor(monitor.id) }
    let newSlot = monitors.insert(entry)
    monitorSlots[monitor.id] = newSlot
    enter(monitor, newSlot)
  }

  package mutating func removeMonitor(_ id: MonitorID) {
    guard let slot = monitorSlots.removeValue(forKey: id), let record = monitors[slot]?.record else { return }
    switch id.kind {
    case .serviceMonitor, .vmServiceScrape:
      serviceMonitors.remove(slot, record)
      for service in candidates(servicesByNamespace, record) { services.update(service) { $0.monitors.remove(slot) } }
    case .podMonitor, .vmPodScrape:
      podMonitors.remove(slot, record)
      for group in candidates(groupsByNamespace, record) {
        groups.update(group) {
          $0.monitors.remove(slot)
          $0.undecided.remove(slot)
        }
      }
    case .scrapeConfig: discoveries.remove(slot)
    case .probe: break
    }
    monitors.remove(slot)
  }

  private mutating func enter(_ monitor: MonitorRecord, _ slot: Int) {
    switch monitor.id.kind {
    case .serviceMonitor, .vmServiceScrape:
      guard !monitor.endpoints.isEmpty else { return }
      serviceMonitors.insert(slot, monitor)
      for service in candidates(servicesByNamespace, monitor) where selects(monitor, service: service) {
        services.update(service) { $0.monitors.insert(slot) }
      }
    case .podMonitor, .vmPodScrape:
      guard !monitor.endpoints.isEmpty else { return }
      podMonitors.insert(slot, monitor)
      for group in candidates(groupsByNamespace, monitor) { connect(monitor: slot, monitor, group: group) }
    case .scrapeConfig: if !monitor.discoveries.isEmpty { discoveries.insert(slot) }
    case .probe: break
    }
  }

  /// What is in the namespaces that the monitor looks in, and in its own, to which a Prometheus object may reduce it.
  private func candidates(_ slots: [String: Set<Int>], _ monitor: MonitorRecord) -> [Int] {
    switch monitor.namespaces {
    case .any: slots.values.flatMap { $0 }
    case .own: Array(slots[monitor.id.namespace] ?? [])
    case .listed(let names): Set(names + [monitor.id.namespace]).flatMap { slots[$0] ?? [] }
    }
  }

  private mutating func selects(_ monitor: MonitorRecord, service: Int) -> Bool {
    guard let record = services[service]?.record else { return false }
    evaluations += 1
    return monitor.selector.matches(record.packedLabels, as: monitor.mechanism)
  }

  private mutating func connect(monitor slot: Int, _ monitor: MonitorRecord, group: Int) {
    if monitor.selector.usesOwnLabels {
      groups.update(group) { $0.undecided.insert(slot) }
      return
    }
    evaluations += 1
    guard let labels = groups[group]?.labels, monitor.selector.matches(labels, as: monitor.mechanism) else { return }
    groups.update(group) { $0.monitors.insert(slot) }
  }
}

// MARK: Adoption

extension ScrapeExpectations {
  package mutating func set(_ prometheus: PrometheusRecord) {
    guard prometheuses.updateValue(prometheus, forKey: prometheus.id) != prometheus else { return }
    updateAdoptions { _ in true }
  }

  package mutating func removePrometheus(_ id: PrometheusID) {
    if prometheuses.removeValue(forKey: id) != nil { updateAdoptions { _ in true } }
  }

  /// - Parameter labels: of the Namespace; `nil` if it is gone.
  package mutating func setNamespace(_ name: String, labels: [String: String]?) {
    if namespaceLabels[name] == labels { return }
    namespaceLabels[name] = labels
    updateAdoptions { $0.id.namespace == name }
  }

  private mutating func updateAdoptions(where isAffected: (MonitorRecord) -> Bool) {
    for slot in monitorSlots.values {
      guard let record = monitors[slot]?.record, isAffected(record) else { continue }
      let adoption = adoption(of: record)
      monitors.update(slot) { $0.adoption = adoption }
    }
  }

  private func adoption(of monitor: MonitorRecord) -> MonitorAdoption {
    MonitorAdoption(of: monitor, by: prometheuses.values, namespaceLabels: namespaceLabels[monitor.id.namespace])
  }
}

// MARK: Services

extension ScrapeExpectations {
  /// Enters a Service, or replaces its earlier version.
  package mutating func set(_ service: ServiceRecord) {
    let key = service.key
    let slot = serviceSlot(key)
    let old = services[slot]?.record
    if old == service { return }
    services.update(slot) { $0.record = service }
    if old?.labels != service.labels { selectService(slot, service) }
    let selector = service.selector
    if old?.selector != selector {
      if let old { disconnect(service: slot, key.namespace, selector: old.selector) }
      servicesBySelector.insert(slot, namespace: key.namespace, selector: selector)
      for group in groupsByNamespace[key.namespace] ?? [] { connect(service: slot, selector, group: group) }
    }
    updateManual(slot)
  }

  package mutating func removeService(_ key: ObjectKey) {
    guard let slot = serviceSlots[key], let record = services[slot]?.record else { return }
    disconnect(service: slot, key.namespace, selector: record.selector)
    services.update(slot) {
      $0.record = nil
      $0.monitors = SlotSet()
    }
    updateManual(slot)
    forgetServiceIfEmpty(slot, key)
  }

  /// Enters an EndpointSlice, or replaces its earlier version.
  package mutating func set(_ slice: EndpointSliceRecord) {
    let key = slice.key
    let service = slice.service
    let slot = service.isEmpty ? nil : serviceSlot(ObjectKey(namespace: key.namespace, name: service))
    if sliceServices[key] != slot { removeSlice(key) }
    guard let slot else { return }
    sliceServices[key] = slot
    services.update(slot) { entry in
      if let index = entry.slices.firstIndex(where: { $0.key == key }) {
        entry.slices[index] = slice
      } else {
        entry.slices.append(slice)
      }
    }
    updateManual(slot)
  }

  package mutating func removeSlice(_ key: ObjectKey) {
    guard let slot = sliceServices.removeValue(forKey: key), let service = services[slot]?.key else { return }
    services.update(slot) { $0.slices.removeAll { $0.key == key } }
    updateManual(slot)
    forgetServiceIfEmpty(slot, service)
  }

  /// The slot of a Service, which may be known only by its slices yet.
  private mutating func serviceSlot(_ key: ObjectKey) -> Int {
    if let slot = serviceSlots[key] { return slot }
    let slot = services.insert(ServiceEntry(key: key))
    serviceSlots[key] = slot
    servicesByNamespace[key.namespace, default: []].insert(slot)
    return slot
  }

  private mutating func forgetServiceIfEmpty(_ slot: Int, _ key: ObjectKey) {
    guard let entry = services[slot], entry.record == nil, entry.slices.isEmpty else { return }
    services.remove(slot)
    serviceSlots[key] = nil
    servicesByNamespace[key.namespace]?.remove(slot)
    if servicesByNamespace[key.namespace]?.isEmpty == true { servicesByNamespace[key.namespace] = nil }
  }

  /// Finds the monitors that select the Service.
  private mutating func selectService(_ slot: Int, _ service: ServiceRecord) {
    var selecting = SlotSet()
    for monitor in serviceMonitors.slots(lookingIn: service.key.namespace) {
      if let record = monitors[monitor]?.record, selects(record, service: slot) { selecting.insert(monitor) }
    }
    services.update(slot) { $0.monitors = selecting }
  }

  private mutating func connect(service slot: Int, _ selector: [String: String], group: Int) {
    // A selector on a label of single Pods is found by that label.
    guard !selector.isEmpty, !selector.keys.contains(where: PodRecord.isOwnLabel) else { return }
    evaluations += 1
    guard let labels = groups[group]?.labels, labels.contain(selector) else { return }
    groups.update(group) { $0.services.insert(slot) }
  }

  private mutating func disconnect(service slot: Int, _ namespace: String, selector: [String: String]) {
    servicesBySelector.remove(slot, namespace: namespace, selector: selector)
    for group in groupsByNamespace[namespace] ?? [] { groups.update(group) { $0.services.remove(slot) } }
  }

  /// Notes whether someone else makes the endpoints of a Service, and whether they are Pods.
  private mutating func updateManual(_ slot: Int) {
    guard let entry = services[slot] else { return }
    let isManual = entry.record.map { $0.selector.isEmpty } == true && entry.slices.contains { $0.addressCount > 0 }
    servicesBySelector.setManual(slot, namespace: entry.key.namespace, isManual)
  }
}

// MARK: Groups of Pods

extension ScrapeExpectations {
  /// The group of a Pod, which is entered if it is new.
  mutating func groupSlot(of pod: PodRecord) -> Int {
    let key = PodGroup.Key(namespace: pod.identity.namespace, common: pod.common)
    if let slot = groupSlots[key] {
      if groups[slot]?.pass != pass { groups.update(slot) { $0.pass = pass } }
      return slot
    }
    let group = PodGroup(key, pass: pass)
    let slot = groups.insert(group)
    groupSlots[key] = slot
    let namespace = group.namespace
    groupsByNamespace[namespace, default: []].insert(slot)
    for monitor in podMonitors.slots(lookingIn: namespace) {
      if let record = monitors[monitor]?.record { connect(monitor: monitor, record, group: slot) }
    }
    for service in servicesBySelector.candidates(group.labels, namespace: namespace) {
      if let selector = services[service]?.record?.selector { connect(service: service, selector, group: slot) }
    }
    return slot
  }

  /// The Services that may have the Pod as an endpoint: those whose selector matches it, and those without a selector that have its name in
  /// their slices.
  mutating func services(of pod: PodRecord, in group: PodGroup) -> [ServiceEntry] {
    var slots = group.services.slots.map { Int($0) }
    let own = pod.ownLabels
    if !own.isEmpty {
      for slot in servicesBySelector.candidates(PackedLabels(own), namespace: group.namespace) {
        guard let selector = services[slot]?.record?.selector else { continue }
        evaluations += 1
        if selector.allSatisfy({ own[$0.key] == $0.value || own[$0.key] == nil && group.labels[$0.key] == $0.value }) { slots.append(slot) }
      }
    }
    let manual = servicesBySelector.manual(namespace: group.namespace).filter { slot in
      services[slot]?.slices.contains { !$0.endpoints(of: pod.identity).isEmpty } == true
    }
    return Set(slots + manual).sorted().compactMap { services[$0] }
  }

  /// Starts a pass over all Pods, after which `endPass` forgets the groups without Pods.
  package mutating func beginPass() { pass += 1 }

  /// Forgets the groups without a Pod that was asked for since `beginPass`.
  package mutating func endPass() {
    for (key, slot) in groupSlots {
      guard let group = groups[slot], group.pass != pass else { continue }
      groups.remove(slot)
      groupSlots[key] = nil
      groupsByNamespace[group.namespace]?.remove(slot)
      if groupsByNamespace[group.namespace]?.isEmpty == true { groupsByNamespace[group.namespace] = nil }
    }
  }

  /// The number of groups.
  package var groupCount: Int { groupSlots.count }

  func servicesIn(_ namespace: String) -> [ServiceEntry] { (servicesByNamespace[namespace] ?? []).compactMap { services[$0] } }
}

// MARK: Names

extension ScrapeExpectations {
  func monitorIDs(of kind: MonitorID.Kind) -> Set<MonitorID> { Set(monitorSlots.keys.filter { $0.kind == kind }) }
  func prometheusIDs(of kind: PrometheusID.Kind) -> Set<PrometheusID> { Set(prometheuses.keys.filter { $0.kind == kind }) }
  var serviceKeys: Set<ObjectKey> { Set(serviceSlots.keys) }
  var sliceKeys: Set<ObjectKey> { Set(sliceServices.keys) }
  var namespaceNames: Set<String> { Set(namespaceLabels.keys) }

  /// The Service as last entered.
  func service(_ key: ObjectKey) -> ServiceRecord? { serviceSlots[key].flatMap { services[$0]?.record } }

  /// Who adopts the monitor, and who does not and why; `nil` for a monitor that is not known.
  func adoption(of id: MonitorID) -> MonitorAdoption? { monitorSlots[id].flatMap { monitors[$0]?.adoption } }
}
