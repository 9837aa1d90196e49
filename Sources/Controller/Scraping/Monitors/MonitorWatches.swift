internal import JSON
package import KubeClient
internal import Logging

/// Watches what decides which containers are scraped, besides Pods and Namespaces.
///
/// The resources are independent of each other: without the permission for one, or without its definition, only that one is not ready.
struct MonitorWatches: Sendable {
  let monitors: [MonitorID.Kind: Reflector<MonitorRecord>]
  let prometheuses: [PrometheusID.Kind: Reflector<PrometheusRecord>]
  let services: Reflector<ServiceRecord>
  let endpointSlices: Reflector<EndpointSliceRecord>

  init(client: KubeClient, policy: WatchPolicy = .standard, logger: Logger) {
    func reflector<Value: Record>(_ resource: APIResource, _ decoder: RecordDecoder<Value>) -> Reflector<Value> {
      Reflector(client: client, resource: resource, decoder: decoder, policy: policy, logger: logger)
    }
    monitors = Dictionary(
      uniqueKeysWithValues: MonitorID.Kind.allCases.map { kind in
        (kind, reflector(kind.resource, RecordDecoder(kind: kind.rawValue) { MonitorRecord(kind, $0) }))
      })
    prometheuses = Dictionary(
      uniqueKeysWithValues: PrometheusID.Kind.allCases.map { kind in
        (kind, reflector(kind.resource, RecordDecoder(kind: kind.rawValue) { PrometheusRecord(kind, $0) }))
      })
    services = reflector(.services, .services())
    endpointSlices = reflector(.endpointSlices, .endpointSlices())
  }

  /// Watches monitors and Prometheus objects until the task is cancelled.
  func runDefinitions() async {
    await withTaskGroup { group in
      for reflector in monitors.values { group.addTask { await reflector.run() } }
      for reflector in prometheuses.values { group.addTask { await reflector.run() } }
    }
  }

  /// Watches what service discovery reads, which is much more, until the task is cancelled.
  func runDiscovery() async {
    await withTaskGroup { group in
      group.addTask { await services.run() }
      group.addTask { await endpointSlices.run() }
    }
  }

  /// Whether the API server has any of the custom resources, and we may read it. A resource that is gone counts for another minute: an API server
  /// that starts may not know its custom resources yet.
  var hasDefinitions: Bool {
    func has(_ reflector: Reflector<some Record>) -> Bool {
      guard reflector.store.isSynced else { return false }
      return reflector.refusal != 404 || (reflector.timeOutOfSync ?? .zero) < .seconds(60)
    }
    return monitors.values.contains { has($0) } || prometheuses.values.contains { has($0) }
  }

  /// Whether the API server has refused all custom resources for a minute: there are none, or we may not read them.
  var areRefused: Bool {
    func isRefused(_ reflector: Reflector<some Record>) -> Bool {
      reflector.refusal != nil && (reflector.timeOutOfSync ?? .zero) >= .seconds(60)
    }
    return monitors.values.allSatisfy { isRefused($0) } && prometheuses.values.allSatisfy { isRefused($0) }
  }

  /// A Prometheus object as last received.
  func prometheus(_ id: PrometheusID) -> PrometheusRecord? {
    prometheuses[id.kind]?.store.snapshot()[ObjectKey(namespace: id.namespace, name: id.name)]
  }
}

extension MonitorID.Kind {
  var resource: APIResource {
    switch self {
    case .serviceMonitor: .serviceMonitors
    case .podMonitor: .podMonitors
    case .scrapeConfig: .scrapeConfigs
    case .probe: .probes
    case .vmServiceScrape: .vmServiceScrapes
    case .vmPodScrape: .vmPodScrapes
    }
  }
}

extension PrometheusID.Kind {
  var resource: APIResource { self == .server ? .prometheuses : .prometheusAgents }
}

/// What the watches of monitoring objects know, for readiness.
package struct MonitorWatchStatus: Hashable, Sendable {
  package enum State: Hashable, Sendable {
    case ready
    /// The API server does not have the resource: its definition is not installed.
    case absent
    /// The permission to list and watch it is missing.
    case forbidden
    case waiting(reason: String)
  }

  package var resource: APIResource
  package var state: State
}

extension MonitorWatches {
  /// One for each resource.
  var status: [MonitorWatchStatus] {
    monitors.sorted { $0.key.rawValue < $1.key.rawValue }.map { status(of: $1, $0.resource) }
      + prometheuses.sorted { $0.key.rawValue < $1.key.rawValue }.map { status(of: $1, $0.resource) }
      + [status(of: services, .services), status(of: endpointSlices, .endpointSlices)]
  }

  private func status(of reflector: Reflector<some Record>, _ resource: APIResource) -> MonitorWatchStatus {
    let state: MonitorWatchStatus.State =
      switch (reflector.status, reflector.refusal) {
      case (.synced, _): .ready
      case (.waiting, 404): .absent
      case (.waiting, 403): .forbidden
      case (.waiting(let reason), _): .waiting(reason: reason)
      }
    return MonitorWatchStatus(resource: resource, state: state)
  }
}
