import JSON
import KubeClient
import Simulator
import TestSupport
import Testing

@testable import Controller

@Suite(.timeLimit(.minutes(5))) struct MonitorWatchesTests {
  private typealias Objects = ScrapeObjects

  private static func object(_ kind: String, _ version: String, named name: String = "web", labels: JSONValue = [:], _ spec: JSONValue)
    -> JSONValue
  {
    [
      "apiVersion": .string(version), "kind": .string(kind), "metadata": ["name": .string(name), "namespace": "shop", "labels": labels],
      "spec": spec,
    ]
  }

  private static let podMonitor = object(
    "PodMonitor", "monitoring.coreos.com/v1", ["selector": [:], "podMetricsEndpoints": [["port": "http"]]])

  private static func watches(of server: SimulatedAPIServer) throws -> (watches: MonitorWatches, namespaces: Reflector<NamespaceRecord>) {
    let folder = try TemporaryFolder()
    let kubeconfig = try folder.write(server.kubeconfig(), to: "kubeconfig")
    let configuration = try ClusterConfiguration.load(kubeconfig: kubeconfig, context: nil, environment: [:])
    let client = try KubeClient(configuration: configuration, logger: .silent)
    return (
      MonitorWatches(client: client, logger: .silent),
      ExemptionWatches(client: client, agentNamespace: "rollcall", logger: .silent).namespaces
    )
  }

  /// Runs the watches and the updater against a simulated API server.
  private func withUpdater(
    _ objects: [JSONValue], _ body: (SimulatedAPIServer, MonitorWatches, ExpectationUpdater) async throws -> Void
  ) async throws {
    try await withSimulator { server in
      for object in objects { try server.put(object) }
      let (watches, namespaces) = try Self.watches(of: server)
      let updater = ExpectationUpdater(watches: watches, namespaces: namespaces, time: SystemTime())
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await watches.runDefinitions() }
        group.addTask { await watches.runDiscovery() }
        group.addTask { await namespaces.run() }
        group.addTask { await updater.run() }
        try await body(server, watches, updater)
        group.cancelAll()
      }
    }
  }

  private func summary(_ updater: ExpectationUpdater, of pod: PodRecord = Objects.pod()) -> [String] {
    updater.withExpectation { $0.summary(of: pod) }
  }

  @Test func `R113: every kind is watched, from what is there to what changes`() async throws {
    let slice: JSONValue = [
      "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
      "metadata": [
        "name": "web-1", "namespace": "shop",
        "labels": [
          "kubernetes.io/service-name": "web", "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
        ],
      ],
      "ports": [["name": "http", "port": 8080]],
      "endpoints": [["addresses": ["10.1.0.7"], "targetRef": ["kind": "Pod", "namespace": "shop", "name": "web-0"]]],
    ]
    let objects = [
      Self.object("ServiceMonitor", "monitoring.coreos.com/v1", ["selector": [:], "endpoints": [["port": "http"]]]), Self.podMonitor,
      Self.object("ScrapeConfig", "monitoring.coreos.com/v1alpha1", ["kubernetesSDConfigs": [["role": "Pod"]]]),
      Self.object("Probe", "monitoring.coreos.com/v1", ["targets": [:]]),
      Self.object("VMServiceScrape", "operator.victoriametrics.com/v1beta1", ["selector": [:], "endpoints": [["port": "http"]]]),
      Self.object("VMPodScrape", "operator.victoriametrics.com/v1beta1", ["selector": [:], "podMetricsEndpoints": [["port": "http"]]]),
      Self.object("Prometheus", "monitoring.coreos.com/v1", named: "main", ["serviceMonitorSelector": [:], "probeSelector": [:]]),
      Self.object(
        "PrometheusAgent", "monitoring.coreos.com/v1alpha1", named: "agent", ["podMonitorSelector": [:], "scrapeConfigSelector": [:]]),
      Self.object("Service", "v1", ["selector": ["app": "web"], "ports": [["name": "http", "port": 80, "targetPort": 8080]]]), slice,
    ]
    try await withUpdater(objects) { server, watches, updater in
      func adopters() -> [String] {
        updater.expectations(of: Objects.pod()).map { expectation in
          switch expectation.outcome {
          case .target(_, .adopted(let adopters)): "\(expectation.request.scrapePool ?? "") \(adopters.map(\.prometheus.name))"
          case .target(_, .unknown): "\(expectation.request.scrapePool ?? "")"
          case .broken(let link): link.summary
          }
        }.sorted()
      }
      try await eventually("everything is known") {
        adopters() == [
          "podMonitor/shop/web/0 [\"agent\"]", "podScrape/shop/web/0", "scrapeConfig/shop/web [\"agent\"]",
          "serviceMonitor/shop/web/0 [\"main\"]", "serviceScrape/shop/web/0",
        ]
      }
      try await eventually("the rest is listed, too") {
        watches.status.allSatisfy { $0.state == .ready } && updater.isComplete
          && updater.withExpectation { $0.adoption(of: MonitorID(.probe, namespace: "shop", name: "web"))?.adopting.count } == 1
      }

      try server.remove("prometheusagents.monitoring.coreos.com", namespace: "shop", name: "agent")
      try server.remove("servicemonitors.monitoring.coreos.com", namespace: "shop", name: "web")
      try server.remove("services", namespace: "shop", name: "web")
      try await eventually("what is gone is forgotten") {
        adopters() == ["not adopted: main", "not adopted: main", "podScrape/shop/web/0"]
      }
    }
  }

  @Test func `R113: a definition that comes, goes and comes back needs no restart`() async throws {
    try await withUpdater([]) { server, watches, updater in
      func state(_ resource: APIResource) -> MonitorWatchStatus.State? { watches.status.first { $0.resource == resource }?.state }
      try server.removeDefinition(of: "podmonitors.monitoring.coreos.com")
      try await eventually("the definition is missed, and the others go on") {
        state(.podMonitors) == .absent && state(.serviceMonitors) == .ready
      }
      try server.restoreDefinition(of: "podmonitors.monitoring.coreos.com")
      try server.put(Self.podMonitor)
      try await eventually("it is found") { summary(updater) == ["app 10.1.0.7:8080 http"] && state(.podMonitors) == .ready }
      try server.removeDefinition(of: "podmonitors.monitoring.coreos.com")
      try await eventually("its objects are gone") { summary(updater).isEmpty && state(.podMonitors) == .absent }
    }
  }

  @Test func `R113: objects whose definition went while no watch was open are forgotten after a while`() async throws {
    try await withSimulator { server in
      try server.put(Self.podMonitor)
      let (watches, namespaces) = try Self.watches(of: server)
      func running(_ body: () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
          group.addTask { await watches.runDefinitions() }
          group.addTask { await watches.runDiscovery() }
          try await body()
          group.cancelAll()
        }
      }
      try await running {
        try await eventually("the monitor is listed") { watches.monitors[.podMonitor]?.store.snapshot().count == 1 }
      }
      try server.removeDefinition(of: "podmonitors.monitoring.coreos.com")
      let updater = ExpectationUpdater(watches: watches, namespaces: namespaces, time: SystemTime(), absence: .milliseconds(10))
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await updater.run() }
        try await eventually("the monitor is known") { summary(updater) == ["app 10.1.0.7:8080 http"] }
        try await running {
          try await eventually("it is forgotten") { summary(updater).isEmpty }
        }
        group.cancelAll()
      }
    }
  }

  @Test func `R113: without a permission only that part is not ready, and says which`() async throws {
    try await withSimulator { server in
      server.rejectNext(
        Rejection(
          status: 403, reason: "Forbidden", message: "podmonitors.monitoring.coreos.com is forbidden", count: 1000,
          resource: "podmonitors.monitoring.coreos.com"))
      let watches = try Self.watches(of: server).watches
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await watches.runDefinitions() }
        group.addTask { await watches.runDiscovery() }
        try await eventually("the others are in sync") {
          watches.status.filter { $0.state != .ready }
            == [MonitorWatchStatus(resource: .podMonitors, state: .forbidden)]
        }
        group.cancelAll()
      }
    }
  }
}
