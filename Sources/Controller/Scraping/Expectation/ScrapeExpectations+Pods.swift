package import KubeClient
internal import Primitives

// From a Pod to what asks for its scrapes.

extension ScrapeExpectations {
  /// Every way the containers of a Pod ask to be scraped: first those of monitors, then those of annotations. A Pod without any has
  /// a hint for each container with a port whose name says that it serves metrics.
  ///
  /// Empty for a Pod without an address, which no service discovery finds. The readiness of a Pod does not matter.
  package mutating func expectations(of pod: PodRecord) -> [ScrapeExpectation] {
    let slot = groupSlot(of: pod)
    guard let group = groups[slot], let address = pod.address else { return [] }
    let requests = PodRequests(
      pod: pod, group: group, targets: PodTargets(address: address, identity: pod.identity, containers: group.containers),
      services: services(of: pod, in: group))

    var result: [ScrapeExpectation] = []
    for monitor in monitorsOfPods(pod, group) { result += requests.expectations(ofPodsBy: monitor) }
    for service in requests.services {
      for monitor in service.monitors.slots {
        if let entry = monitors[Int(monitor)] { result += requests.expectations(by: entry, through: service) }
      }
    }
    for slot in discoveries.sorted() {
      if let entry = monitors[slot] { result += requests.expectations(ofDiscoveriesBy: entry) }
    }
    result += requests.expectationsByAnnotations
    return result.isEmpty ? requests.hints : result
  }

  /// The monitors of Pods that select the Pod.
  private mutating func monitorsOfPods(_ pod: PodRecord, _ group: PodGroup) -> [MonitorEntry] {
    var slots = group.monitors.slots.map { Int($0) }
    if !group.undecided.slots.isEmpty {
      let labels = PackedLabels(group.labels.dictionary.merging(pod.ownLabels) { $1 })
      for slot in group.undecided.slots.map({ Int($0) }) {
        guard let record = monitors[slot]?.record else { continue }
        evaluations += 1
        if record.selector.matches(labels, as: record.mechanism) { slots.append(slot) }
      }
      slots.sort()
    }
    return slots.compactMap { monitors[$0] }
  }
}

/// One Pod, and what may ask for its scrapes.
struct PodRequests {
  let pod: PodRecord
  let group: PodGroup
  let targets: PodTargets
  let services: [ServiceEntry]

  /// Whether the Pod has ended, which the operator's rules drop.
  private var isFinished: Bool { pod.phase == "Succeeded" || pod.phase == "Failed" }
  private var namespace: String { group.namespace }

  private func expectation(_ container: String?, _ request: ScrapeRequest, _ outcome: ScrapeExpectation.Outcome) -> ScrapeExpectation {
    ScrapeExpectation(pod: pod.identity, container: container, request: request, outcome: outcome)
  }

  // MARK: Monitors of Pods

  func expectations(ofPodsBy monitor: MonitorEntry) -> [ScrapeExpectation] {
    guard monitor.looks(in: namespace) else { return [] }
    let adoption = monitor.adoption.adopting(for: monitor.record, in: namespace).map { Adopter(prometheus: $0.prometheus, role: .pod) }
    return monitor.ports.indices.flatMap { index -> [ScrapeExpectation] in
      if isFinished, monitor.record.endpoints[index].dropsFinished { return [] }
      let request = ScrapeRequest.monitor(monitor.record.id, endpoint: index, service: nil)
      if let missing = monitor.ports[index].missingPort(of: targets, service: nil) {
        return [expectation(nil, request, .broken(.portNotFound(missing)))]
      }
      return targets.ofPod.filter(monitor.ports[index].keeps).map {
        expectation($0.container, request, monitor.outcome($0.expected, adoption))
      }
    }
  }

  // MARK: Monitors of Services

  func expectations(by monitor: MonitorEntry, through service: ServiceEntry) -> [ScrapeExpectation] {
    guard let record = service.record, monitor.looks(in: namespace) else { return [] }
    let adopting = monitor.adoption.adopting(for: monitor.record, in: namespace)
    // What would be found if it were adopted, if it is not.
    let roles = adopting.isEmpty ? [monitor.record.role ?? .endpoints] : Set(adopting.map(\.role)).sorted { $0.rawValue < $1.rawValue }
    let selector = monitor.record.mechanism == .labels ? monitor.record.selector : nil
    let seen = ServiceTargets(service: record, slices: service.slices)
    let found = roles.map { role in
      (role: role, targets: targets.of(seen.slices(for: role, of: pod.identity, selector: selector), in: role))
    }

    return monitor.ports.indices.flatMap { index -> [ScrapeExpectation] in
      if isFinished, monitor.record.endpoints[index].dropsFinished { return [] }
      let request = ScrapeRequest.monitor(monitor.record.id, endpoint: index, service: record.key.name)
      let port = monitor.ports[index]
      var adopters: [DiscoveredTarget: [Adopter]] = [:]
      var kept: [DiscoveredTarget] = []
      for (role, targets) in found {
        let ofRole = adopting.filter { $0.role == role }.map { Adopter(prometheus: $0.prometheus, role: role) }
        for target in targets where port.keeps(target) {
          if adopters[target] == nil { kept.append(target) }
          adopters[target, default: []] += ofRole
        }
      }
      guard kept.isEmpty else {
        let expectations = kept.map {
          expectation($0.container, request, monitor.outcome($0.expected, (adopters[$0] ?? []).sorted { $0.prometheus < $1.prometheus }))
        }
        if expectations.count < 2 { return expectations }
        // Two slices may have the same address and port under different names, and are one target in the end.
        var seen: Set<ScrapeExpectation> = []
        return expectations.filter { seen.insert($0).inserted }
      }
      if let missing = port.missingPort(of: targets, service: record) {
        return [expectation(nil, request, .broken(.portNotFound(missing)))]
      }
      let cause = seen.cause(for: roles[0], of: pod.identity, selector: selector)
      return [expectation(nil, request, .broken(.noEndpoint(MissingEndpoint(service: record.key.name, role: roles[0], cause: cause))))]
    }
  }

  // MARK: ScrapeConfigs

  func expectations(ofDiscoveriesBy monitor: MonitorEntry) -> [ScrapeExpectation] {
    let request = ScrapeRequest.discovery(monitor.record.id)
    var adopters: [DiscoveredTarget: [Adopter]] = [:]
    var found: [DiscoveredTarget] = []
    for discovery in monitor.record.discoveries {
      let adopting = monitor.adoption.adopting.filter { discovery.contains(namespace, own: $0.prometheus.namespace) }
      guard !adopting.isEmpty || discovery.contains(namespace, own: nil) else { continue }
      for target in targets(of: discovery) {
        if adopters[target] == nil { found.append(target) }
        adopters[target, default: []] += adopting.map { Adopter(prometheus: $0.prometheus, role: discovery.role) }
      }
    }
    return found.map { expectation($0.container, request, monitor.outcome($0.expected, adopters[$0] ?? [])) }
  }

  private func targets(of discovery: PodDiscovery) -> [DiscoveredTarget] {
    if discovery.role == .pod {
      guard discovery.selectors.isEmpty || discovery.selectors.allSatisfy({ $0.matches(labels) }) else { return [] }
      return targets.ofPod
    }
    return services.flatMap { service -> [DiscoveredTarget] in
      guard let record = service.record else { return [] }
      let slices = ServiceTargets(service: record, slices: service.slices).slices(for: discovery.role, of: pod.identity, selector: nil)
      return targets.of(
        slices.filter { slice in
          discovery.selectors.isEmpty
            || discovery.selectors.allSatisfy { $0.matches(slice.manager == .controller ? record.labels : slice.labels) }
        }, in: discovery.role)
    }
  }

  private var labels: [String: String] { group.labels.dictionary.merging(pod.ownLabels) { $1 } }

  // MARK: Annotations

  /// Source: the jobs `kubernetes-pods` and `kubernetes-service-endpoints` in documentation/examples/prometheus-kubernetes.yml of
  /// Prometheus 2.x, which most configurations copy.
  var expectationsByAnnotations: [ScrapeExpectation] {
    if isFinished { return [] }
    var result: [ScrapeExpectation] = []
    if let annotations = ScrapeAnnotations(group.annotations) {
      result += annotations.targets(among: targets.ofPod).map {
        expectation($0.container, .annotations(service: nil), .target($0.expected, .unknown(.notDeclared)))
      }
    }
    for service in services {
      guard let record = service.record, let annotations = ScrapeAnnotations(record.annotations) else { continue }
      let request = ScrapeRequest.annotations(service: record.key.name)
      let seen = ServiceTargets(service: record, slices: service.slices)
      let found = annotations.targets(
        among: targets.of(seen.slices(for: .endpointSlice, of: pod.identity, selector: nil), in: .endpointSlice))
      result += found.map { expectation($0.container, request, .target($0.expected, .unknown(.notDeclared))) }
      if found.isEmpty {
        let cause = seen.cause(for: .endpointSlice, of: pod.identity, selector: nil)
        let missing = MissingEndpoint(service: record.key.name, role: .endpointSlice, cause: cause)
        result.append(expectation(nil, request, .broken(.noEndpoint(missing))))
      }
    }
    return result
  }

  /// The containers with a port whose name says that it serves metrics.
  var hints: [ScrapeExpectation] {
    if isFinished { return [] }
    return targets.containers.compactMap { container in
      let ports = container.ports.filter { $0.name == "metrics" || $0.name.hasSuffix("-metrics") }
        .map { DeclaredPort(container: container.name, name: $0.name, number: $0.number) }
      return ports.isEmpty ? nil : expectation(container.name, .portName, .broken(.noMonitor(ports: ports)))
    }
  }
}

extension MonitorEntry {
  /// Whether the monitor looks in a namespace, for any Prometheus object that adopts it, or by itself if none does.
  fileprivate func looks(in namespace: String) -> Bool {
    record.namespaces.contains(namespace, own: record.id.namespace)
      || adoption.adopting.contains { $0.looks(for: record, in: namespace) }
  }

  fileprivate func outcome(_ target: ExpectedTarget, _ adopters: [Adopter]) -> ScrapeExpectation.Outcome {
    if !adopters.isEmpty { return .target(target, .adopted(adopters)) }
    switch adoption.withoutAdopter {
    case .unknown(let reason): return .target(target, .unknown(reason))
    case .refused(let refusals): return .broken(.monitorNotAdopted(refusals))
    }
  }
}

/// The annotations `prometheus.io/…`, if they ask for a scrape.
private struct ScrapeAnnotations {
  /// `nil` for every port.
  private let port: UInt16?

  init?(_ annotations: [String: String]) {
    guard annotations["\(ScrapeFacts.annotationPrefix)scrape"] == "true" else { return nil }
    // A text that is not a number leaves the address unchanged.
    port = annotations["\(ScrapeFacts.annotationPrefix)port"].flatMap { UInt16($0) }
  }

  /// With a port, all targets of one address become one.
  func targets(among found: [DiscoveredTarget]) -> [DiscoveredTarget] {
    guard let port else { return found }
    var seen: Set<PodIP> = []
    return found.compactMap { target in
      guard seen.insert(target.address).inserted else { return nil }
      if let declared = found.last(where: { $0.address == target.address && $0.port == port }) { return declared }
      return DiscoveredTarget(address: target.address, port: port)
    }
  }
}
