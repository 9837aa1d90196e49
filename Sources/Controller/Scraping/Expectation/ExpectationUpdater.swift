internal import KubeClient
internal import Primitives
internal import Synchronization

/// Keeps `ScrapeExpectations` equal to what is watched.
final class ExpectationUpdater: Sendable {
  private let watches: MonitorWatches
  private let namespaces: Reflector<NamespaceRecord>
  private let expectation = Mutex(ScrapeExpectations())
  /// The lists that are entered.
  private let entered = Mutex<Set<APIResource>>([])

  private let time: any TimeSource
  private let absence: Duration

  /// - Parameters:
  ///   - namespaces: of all namespaces, for their labels.
  ///   - absence: a definition that is gone for this long takes its objects with it. An API server that starts may not know its custom
  ///     resources yet.
  init(watches: MonitorWatches, namespaces: Reflector<NamespaceRecord>, time: any TimeSource, absence: Duration = .seconds(60)) {
    self.watches = watches
    self.namespaces = namespaces
    self.time = time
    self.absence = absence
  }

  /// Runs until the task is cancelled. The watches run elsewhere.
  func run() async {
    await withTaskGroup { group in
      for (kind, reflector) in watches.monitors {
        group.addTask { [self] in
          await follow(
            reflector, kind.resource, all: { $0.replaceMonitors(of: kind, with: $1) }, set: { $0.set($1) },
            remove: { $0.removeMonitor(MonitorID(kind, namespace: $1.namespace, name: $1.name)) })
        }
        group.addTask { [self] in await forgetIfAbsent(reflector) { $0.replaceMonitors(of: kind, with: []) } }
      }
      for (kind, reflector) in watches.prometheuses {
        group.addTask { [self] in
          await follow(
            reflector, kind.resource, all: { $0.replacePrometheuses(of: kind, with: $1) }, set: { $0.set($1) },
            remove: { $0.removePrometheus(PrometheusID(kind, namespace: $1.namespace, name: $1.name)) })
        }
        group.addTask { [self] in await forgetIfAbsent(reflector) { $0.replacePrometheuses(of: kind, with: []) } }
      }
      group.addTask { [self] in
        await follow(
          watches.services, .services, all: { $0.replaceServices(with: $1) }, set: { $0.set($1) }, remove: { $0.removeService($1) })
      }
      group.addTask { [self] in
        await follow(
          watches.endpointSlices, .endpointSlices, all: { $0.replaceSlices(with: $1) }, set: { $0.set($1) }, remove: { $0.removeSlice($1) })
      }
      group.addTask { [self] in
        await follow(
          namespaces, .namespaces, all: { $0.replaceNamespaces(with: Dictionary($1.map { ($0.key.name, $0.labels) }) { $1 }) },
          set: { $0.setNamespace($1.key.name, labels: $1.labels) }, remove: { $0.setNamespace($1.name, labels: nil) })
      }
    }
  }

  /// Whether every resource that the API server has and that we may read was entered. Until then the expectations of Pods are incomplete.
  var isComplete: Bool {
    let entered = entered.withLock { $0 }
    return watches.status.allSatisfy { $0.state == .absent || $0.state == .forbidden || entered.contains($0.resource) }
      && (entered.contains(.namespaces) || namespaces.refusal == 403)
  }

  /// Calls `body` with exclusive access to the expectation.
  func withExpectation<Result: Sendable>(_ body: (inout ScrapeExpectations) -> Result) -> Result {
    expectation.withLock { body(&$0) }
  }

  /// Every way the containers of a Pod ask to be scraped.
  func expectations(of pod: PodRecord) -> [ScrapeExpectation] {
    expectation.withLock { $0.expectations(of: pod) }
  }

  private func follow<Value: Record>(
    _ reflector: Reflector<Value>, _ resource: APIResource, all: (inout ScrapeExpectations, [Value]) -> Void,
    set: (inout ScrapeExpectations, Value) -> Void,
    remove: (inout ScrapeExpectations, ObjectKey) -> Void
  ) async {
    for await change in reflector.store.changes {
      let snapshot = reflector.store.snapshot()
      switch change {
      case .all:
        expectation.withLock { all(&$0, Array(snapshot)) }
        entered.withLock { _ = $0.insert(resource) }
      case .keys(let keys):
        expectation.withLock { expectation in
          for key in keys {
            if let record = snapshot[key] { set(&expectation, record) } else { remove(&expectation, key) }
          }
        }
      }
    }
  }

  /// Forgets the objects of a custom resource whose definition was removed while its watch was broken, so that nobody reported their end.
  private func forgetIfAbsent(_ reflector: Reflector<some Record>, _ forget: (inout ScrapeExpectations) -> Void) async {
    while !Task.isCancelled {
      // Throws only on cancellation, which ends the loop.
      try? await time.sleep(for: min(absence, .seconds(10)))
      if reflector.refusal == 404, reflector.timeOutOfSync ?? .zero > absence { expectation.withLock { forget(&$0) } }
    }
  }
}

// MARK: Lists

extension ScrapeExpectations {
  /// Makes these the only monitors of a kind.
  mutating func replaceMonitors(of kind: MonitorID.Kind, with records: [MonitorRecord]) {
    for id in monitorIDs(of: kind).subtracting(records.map(\.id)) { removeMonitor(id) }
    for record in records { set(record) }
  }

  mutating func replacePrometheuses(of kind: PrometheusID.Kind, with records: [PrometheusRecord]) {
    for id in prometheusIDs(of: kind).subtracting(records.map(\.id)) { removePrometheus(id) }
    for record in records { set(record) }
  }

  mutating func replaceServices(with records: [ServiceRecord]) {
    for key in serviceKeys.subtracting(records.map(\.key)) { removeService(key) }
    for record in records { set(record) }
  }

  mutating func replaceSlices(with records: [EndpointSliceRecord]) {
    for key in sliceKeys.subtracting(records.map(\.key)) { removeSlice(key) }
    for record in records { set(record) }
  }

  /// - Parameter labels: by the name of the Namespace.
  mutating func replaceNamespaces(with labels: [String: [String: String]]) {
    for name in namespaceNames.subtracting(labels.keys) { setNamespace(name, labels: nil) }
    for (name, labels) in labels { setNamespace(name, labels: labels) }
  }
}
