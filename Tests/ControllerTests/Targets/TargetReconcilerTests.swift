import AsyncPrimitives
import JSON
import KubeClient
import Logging
import Roll
import Simulator
import Synchronization
import TestSupport
import Testing

@testable import Controller

/// Against the simulated API server, over HTTP. One suite, because every test drives the same reconciler through the same inputs.
@Suite struct TargetReconcilerTests {
  /// The reconciler's inputs, set by the test.
  private final class Inputs: Sendable {
    let targets = Mutex<[Target]?>(nil)
    let isLeading = Mutex(true)
  }

  /// A server and a reconciler that uses it.
  private final class Stage: Sendable {
    let server: SimulatedAPIServer
    let client: KubeClient
    let inputs: Inputs
    let wakeup = Wakeup()
    let reconciler: TargetReconciler

    /// The IP families of a Service; `nil` if it does not exist.
    func families(_ service: String) -> [String?]? {
      server.get("services", namespace: "rollcall", name: service)?["spec"]?["ipFamilies"]?.array?.map(\.string)
    }

    init(server: SimulatedAPIServer, mode: ServiceMonitorMode, patience: Duration, labels: [String: String]) async throws {
      let folder = try TemporaryFolder()
      self.server = server
      let kubeconfig = try folder.write(server.kubeconfig(), to: "kubeconfig")
      let configuration = try ClusterConfiguration.load(kubeconfig: kubeconfig, context: nil, environment: [:])
      client = try KubeClient(configuration: configuration, logger: .silent)
      var settings = TargetSettings(namespace: "rollcall", serviceMonitors: mode)
      settings.extraLabels = labels
      let inputs = Inputs()
      self.inputs = inputs
      reconciler = TargetReconciler(
        client: client, settings: settings, patience: patience, time: SystemTime(), logger: .silent,
        isLeading: { inputs.isLeading.withLock { $0 } }, snapshot: { inputs.targets.withLock { $0 } })
    }

    /// The status of the Linux source after the last pass.
    var status: TargetStatus { reconciler.status[.linux] ?? TargetStatus() }

    func set(_ new: [Target]?) { inputs.targets.withLock { $0 = new } }

    var slices: [JSONValue] { get throws { try server.list("endpointslices.discovery.k8s.io", namespace: "rollcall") } }

    func nodes() throws -> [String] {
      try slices.flatMap { $0["endpoints"]?.array ?? [] }.compactMap { $0["nodeName"]?.string }.sorted()
    }

    /// The number of writes during `body`.
    func writes(_ body: () async throws -> Void) async throws -> Int {
      let before = server.writeCount()
      try await body()
      return server.writeCount() - before
    }
  }

  private func withStage(
    mode: ServiceMonitorMode = .on, patience: Duration = .seconds(300), labels: [String: String] = [:], isIPv6First: Bool = false,
    _ body: (Stage) async throws -> Void
  ) async throws {
    var configuration = SimulatorConfiguration()
    configuration.isIPv6First = isIPv6First
    let server = SimulatedAPIServer(configuration: configuration, logger: .silent)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await server.run() }
      try await server.waitUntilListening()
      try server.put(["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "rollcall"]])
      let stage = try await Stage(server: server, mode: mode, patience: patience, labels: labels)
      try await body(stage)
      group.cancelAll()
    }
  }

  private func nodes(_ range: Range<Int>) -> [Target] {
    range.map { Target(node: "node-\($0)", source: .linux, address: "10.1.\($0 / 250).\($0 % 250 + 1)", port: 9753) }
  }

  @Test func `all objects are created, and then nothing more is written`() async throws {
    try await withStage { stage async throws in
      stage.set(nodes(0..<250))
      #expect(try await stage.reconciler.reconcile(.linux) == .settled)
      #expect(try stage.nodes() == nodes(0..<250).map(\.node).sorted())
      #expect(stage.server.get("services", namespace: "rollcall", name: "rollcall-linux") != nil)
      #expect(stage.server.get("servicemonitors.monitoring.coreos.com", namespace: "rollcall", name: "rollcall-linux") != nil)
      #expect(stage.status.applied == 5)

      let writes = try await stage.writes { () async throws in
        #expect(try await stage.reconciler.reconcile(.linux) == .settled)
        // Like a replica that has just taken over and remembers nothing.
        stage.reconciler.end()
        #expect(try await stage.reconciler.reconcile(.linux) == .settled)
      }
      #expect(writes == 0)
    }
  }

  /// Roll changes that do not affect targets must not even cause reads.
  @Test func `unchanged targets cause no requests`() async throws {
    try await withStage { stage async throws in
      stage.set(nodes(0..<3))
      _ = try await stage.reconciler.reconcile(.linux)
      let before = stage.server.requestCount()
      for _ in 0..<5 { _ = try await stage.reconciler.reconcile(.linux) }
      #expect(stage.server.requestCount() == before)
    }
  }

  @Test func `a resource kind that is installed later is picked up`() async throws {
    try await withStage(mode: .auto, patience: .zero) { stage async throws in
      stage.server.rejectNext(Rejection(status: 404, reason: "NotFound", resource: "servicemonitors.monitoring.coreos.com"))
      stage.set(nodes(0..<3))
      _ = try await stage.reconciler.reconcile(.linux)
      #expect(stage.server.get("servicemonitors.monitoring.coreos.com", namespace: "rollcall", name: "rollcall-linux") == nil)
      _ = try await stage.reconciler.reconcile(.linux)
      #expect(stage.server.get("servicemonitors.monitoring.coreos.com", namespace: "rollcall", name: "rollcall-linux") != nil)
      #expect(!stage.status.lacksServiceMonitors)
    }
  }

  @Test func `R34: only changed EndpointSlices are written`() async throws {
    try await withStage { stage async throws in
      stage.set(nodes(0..<1000))
      _ = try await stage.reconciler.reconcile(.linux)
      let writes = try await stage.writes { () async throws in
        stage.set(nodes(1..<1001))
        _ = try await stage.reconciler.reconcile(.linux)
      }
      #expect(writes == 1)
      #expect(try stage.nodes() == nodes(1..<1001).map(\.node).sorted())
    }
  }

  @Test func `R36: nothing is written before the caches are in sync`() async throws {
    try await withStage { stage async throws in
      stage.set(nodes(0..<3))
      _ = try await stage.reconciler.reconcile(.linux)
      let writes = try await stage.writes { () async throws in
        stage.set(nil)
        stage.reconciler.end()
        #expect(try await stage.reconciler.reconcile(.linux) == .again(after: .seconds(1)))
      }
      #expect(writes == 0)
      #expect(try stage.nodes().count == 3)
    }
  }

  @Test func `a source without targets loses its EndpointSlices and keeps its Service`() async throws {
    try await withStage { stage async throws in
      stage.set(nodes(0..<150))
      _ = try await stage.reconciler.reconcile(.linux)
      stage.set([])
      _ = try await stage.reconciler.reconcile(.linux)
      #expect(try stage.slices.isEmpty)
      #expect(stage.server.get("services", namespace: "rollcall", name: "rollcall-linux") != nil)
      #expect(stage.status.deleted == 2)
    }
  }

  @Test func `EndpointSlices owned by others are left alone`() async throws {
    try await withStage { stage async throws in
      let theirs: JSONValue = [
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4", "endpoints": [],
        "metadata": [
          "name": "theirs", "namespace": "rollcall", "labels": ["kubernetes.io/service-name": "rollcall-linux"],
        ],
      ]
      try stage.server.put(theirs)
      stage.set([])
      _ = try await stage.reconciler.reconcile(.linux)
      #expect(try stage.slices.count == 1)
    }
  }

  @Test func `sources do not affect each other`() async throws {
    try await withStage { stage async throws in
      stage.set(nodes(0..<3) + [Target(node: "win", source: .windows, address: "10.9.0.1", port: 9182)])
      for source in Source.allCases { _ = try await stage.reconciler.reconcile(source) }
      stage.set(nodes(0..<3))
      for source in Source.allCases { _ = try await stage.reconciler.reconcile(source) }
      #expect(try stage.nodes() == ["node-0", "node-1", "node-2"])
    }
  }

  @Test func `objects deleted or changed by others are restored`() async throws {
    try await withStage(patience: .zero) { stage async throws in
      stage.set(nodes(0..<3))
      _ = try await stage.reconciler.reconcile(.linux)
      try stage.server.remove("services", namespace: "rollcall", name: "rollcall-linux")
      var slice = try #require(try stage.slices.first)
      slice["endpoints"] = []
      try stage.server.put(slice)
      _ = try await stage.reconciler.reconcile(.linux)
      #expect(try stage.nodes() == ["node-0", "node-1", "node-2"])
      #expect(stage.server.get("services", namespace: "rollcall", name: "rollcall-linux") != nil)
    }
  }

  @Test func `a label that is no longer desired is removed`() async throws {
    try await withStage(labels: ["release": "prom"]) { stage async throws in
      stage.set([])
      _ = try await stage.reconciler.reconcile(.linux)
      let later = TargetReconciler(
        client: stage.client, settings: TargetSettings(namespace: "rollcall"), time: SystemTime(), logger: .silent, isLeading: { true },
        snapshot: { [] })
      _ = try await later.reconcile(.linux)
      let labels = stage.server.get("services", namespace: "rollcall", name: "rollcall-linux")?["metadata"]?["labels"]
      #expect(labels?["release"] == nil)
      #expect(labels?["rollcall.dev/source"] == "linux")
    }
  }

  // MARK: Address families

  @Test func `R76: a cluster with both families has a Service for each, and an old Service is corrected`() async throws {
    try await withStage(isIPv6First: true) { stage async throws in
      // As earlier versions wrote it: the API server gives it both families, IPv6 first.
      try await stage.client.apply(
        [
          "apiVersion": "v1", "kind": "Service",
          "metadata": [
            "name": "rollcall-linux", "namespace": "rollcall",
            "labels": ["app.kubernetes.io/managed-by": "rollcall.dev", "rollcall.dev/source": "linux"],
          ],
          "spec": ["clusterIP": "None"],
        ], fieldManager: "rollcall")
      #expect(stage.families("rollcall-linux") == ["IPv6", "IPv4"])
      let ipv6 = Target(node: "six", source: .linux, address: "2001:db8::1", port: 9753)
      stage.set(nodes(0..<1) + [ipv6])
      #expect(try await stage.reconciler.reconcile(.linux) == .settled)
      #expect(stage.families("rollcall-linux") == ["IPv4"])
      #expect(stage.families("rollcall-linux-ipv6") == ["IPv6"])
      for slice in try stage.slices {
        let service = try #require(slice["metadata"]?["labels"]?["kubernetes.io/service-name"]?.string)
        #expect(stage.families(service) == [slice["addressType"]?.string])
      }

      stage.set(nodes(0..<1))
      #expect(try await stage.reconciler.reconcile(.linux) == .settled)
      #expect(stage.families("rollcall-linux-ipv6") == nil)
      #expect(try stage.nodes() == ["node-0"])
    }
  }

  // MARK: Changes by others

  /// Runs the reconcile loop and the watches while `body` runs.
  private func whileWatching(_ stage: Stage, _ body: (Stage) async throws -> Void) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      let wakeup = stage.wakeup
      let loop = ReconcileLoop(
        stage.reconciler, keys: Source.allCases, wakeup: wakeup, policy: ReconcilePolicy(debounce: .milliseconds(50)), time: SystemTime(),
        logger: .silent)
      group.addTask { await loop.run() }
      group.addTask { await stage.reconciler.watch { wakeup.signal() } }
      try await eventually("everything is published and watched") {
        stage.reconciler.status.values.allSatisfy { $0.applied >= 2 } && stage.status.published > 0 && stage.server.watchCount == 3
      }
      try await body(stage)
      group.cancelAll()
    }
  }

  @Test(
    arguments: [
      ("services", "rollcall-linux"), ("endpointslices.discovery.k8s.io", "rollcall-linux-ipv4-http-9753-metrics-0"),
      ("servicemonitors.monitoring.coreos.com", "rollcall-linux"),
    ])
  func `R84: a deleted object is back at once, again and again`(resource: String, name: String) async throws {
    try await withStage { stage async throws in
      stage.set(nodes(0..<3))
      try await whileWatching(stage) { stage async throws in
        for _ in 0..<3 {
          try stage.server.remove(resource, namespace: "rollcall", name: name)
          try await eventually("it is back") { stage.server.get(resource, namespace: "rollcall", name: name) != nil }
        }
        #expect(try stage.nodes().count == 3)
      }
    }
  }

  @Test func `R84: edited objects are restored at once`() async throws {
    try await withStage { stage async throws in
      stage.set(nodes(0..<3))
      try await whileWatching(stage) { stage async throws in
        // As `kubectl edit` does: another manager becomes the owner of the changed fields.
        for resource in [APIResource.services, .endpointSlices, .serviceMonitors] {
          let selection = Selection(namespace: "rollcall", labels: ObjectNames.selector(.linux))
          var object = try #require(try await stage.client.list(resource, selection).items.first)
          let before = object
          object["metadata"]?["labels"]?["app.kubernetes.io/component"] = "mine"
          if resource == .endpointSlices { object["endpoints"] = [] }
          if resource == .serviceMonitors { object["spec"]?["sampleLimit"] = 1 }
          try await stage.client.replace(object)
          try await eventually("the \(resource.kind) is as before") {
            let now = try await stage.client.list(resource, selection).items.first
            return now?["metadata"]?["labels"] == before["metadata"]?["labels"] && now?["spec"] == before["spec"]
              && now?["endpoints"] == before["endpoints"]
          }
        }
        // An object without our labels is no longer watched, but its change is.
        var service = try await stage.client.get(.services, name: "rollcall-linux", namespace: "rollcall")
        service["metadata"]?["labels"] = [:]
        try await stage.client.replace(service)
        try await eventually("the labels are back") {
          let now = stage.server.get("services", namespace: "rollcall", name: "rollcall-linux")
          return now?["metadata"]?["labels"]?["rollcall.dev/source"] == "linux"
        }
        #expect(stage.status.failing.isEmpty)
      }
    }
  }

  @Test func `R84: an object with our labels that we did not create is deleted`() async throws {
    try await withStage { stage async throws in
      stage.set(nodes(0..<3))
      try await whileWatching(stage) { stage async throws in
        var slice = try #require(try stage.slices.first)
        slice["metadata"]?["name"] = "copy"
        slice["metadata"]?["uid"] = nil
        try stage.server.put(slice)
        try await eventually("the copy is gone") { try stage.slices.count == 1 }
      }
    }
  }

  /// Otherwise every write would cause another pass, and a server that stores objects otherwise than written would cause endless writes.
  @Test(arguments: [[], ["spec.serviceDiscoveryRole"]]) func `R84: our own writes cause no further ones`(pruned: [String]) async throws {
    try await withStage { stage async throws in
      try stage.server.prune(pruned, of: "servicemonitors.monitoring.coreos.com")
      stage.set(nodes(0..<250))
      try await whileWatching(stage) { stage async throws in
        let before = stage.server.writeCount()
        for count in 251..<254 {
          stage.set(nodes(0..<count))
          stage.wakeup.signal()
          try await eventually("the node is published") { try stage.nodes().count == count }
        }
        try await Task.sleep(for: .milliseconds(500))
        #expect(stage.server.writeCount() - before == 3)
      }
    }
  }

  @Test func `R84: what others add to an object is left alone`() async throws {
    try await withStage { stage async throws in
      stage.set(nodes(0..<3))
      try await whileWatching(stage) { stage async throws in
        let (before, reads) = (stage.server.writeCount(), stage.server.requestCount(.list, "services"))
        var service = try #require(stage.server.get("services", namespace: "rollcall", name: "rollcall-linux"))
        service["metadata"]?["annotations"] = ["theirs": "1"]
        try stage.server.put(service)
        try await eventually("it was read") { stage.server.requestCount(.list, "services") > reads }
        try await Task.sleep(for: .milliseconds(200))
        #expect(stage.server.writeCount() == before)
        let annotations = stage.server.get("services", namespace: "rollcall", name: "rollcall-linux")?["metadata"]?["annotations"]
        #expect(annotations?["theirs"] == "1")
      }
    }
  }

  // MARK: Faults

  @Test func `R83: an object fails as long as the server drops one of its fields`() async throws {
    try await withStage(patience: .zero) { stage async throws in
      let resource = "servicemonitors.monitoring.coreos.com"
      let name = ObjectName(kind: "ServiceMonitor", name: "rollcall-linux")
      try stage.server.prune(["spec.serviceDiscoveryRole"], of: resource)
      stage.set(nodes(0..<3))
      for _ in 0..<2 {
        #expect(try await stage.reconciler.reconcile(.linux) == .again(after: .zero))
        #expect(
          stage.status.failing[name]?.contains("did not store spec.serviceDiscoveryRole: Prometheus Operator older than 0.86.0") == true)
        #expect(stage.status.failing.count == 1)
      }
      #expect(try stage.nodes().count == 3)

      try stage.server.prune([], of: resource)
      #expect(try await stage.reconciler.reconcile(.linux) == .settled)
      #expect(stage.status.failing.isEmpty)
      let monitor = stage.server.get(resource, namespace: "rollcall", name: "rollcall-linux")
      #expect(monitor?["spec"]?["serviceDiscoveryRole"] == "EndpointSlice")
    }
  }

  @Test func `R83: a ServiceMonitor whose CRD does not declare a field is failing, with advice, and stops nothing else`() async throws {
    try await withStage { stage async throws in
      let name = ObjectName(kind: "ServiceMonitor", name: "rollcall-linux")
      // As by Kubernetes 1.36, which gives no reason.
      stage.server.rejectNext(
        Rejection(status: 500, reason: "", verb: .apply, resource: "servicemonitors.monitoring.coreos.com"))
      stage.set(nodes(0..<3))
      await #expect(throws: ReconcileError.self) { try await stage.reconciler.reconcile(.linux) }
      #expect(Array(stage.status.failing.keys) == [name])
      #expect(stage.status.failing[name]?.hasSuffix(undeclaredFieldAdvice) == true)
      #expect(try stage.nodes().count == 3)

      #expect(try await stage.reconciler.reconcile(.linux) == .settled)
      #expect(stage.status.failing.isEmpty)
    }
  }

  @Test func `R83: a failing object is written only as often as objects are read`() async throws {
    try await withStage { stage async throws in
      try stage.server.prune(["spec.bodySizeLimit"], of: "servicemonitors.monitoring.coreos.com")
      stage.set(nodes(0..<3))
      #expect(try await stage.reconciler.reconcile(.linux) == .again(after: .seconds(300)))
      let writes = try await stage.writes { () async throws in
        for count in 4..<7 {
          stage.set(nodes(0..<count))
          #expect(try await stage.reconciler.reconcile(.linux) == .again(after: .seconds(300)))
          #expect(stage.status.failing.count == 1)
        }
      }
      #expect(writes == 3, "one per change of the slice")
    }
  }

  @Test func `R34: a conflict is reported and not retried in a tight loop`() async throws {
    try await withStage { stage async throws in
      stage.set(nodes(0..<1))
      _ = try await stage.reconciler.reconcile(.linux)
      // Another field manager takes the label.
      try await stage.client.apply(
        [
          "apiVersion": "v1", "kind": "Service",
          "metadata": ["name": "rollcall-linux", "namespace": "rollcall", "labels": ["app.kubernetes.io/name": "mine"]],
        ], fieldManager: "somebody", force: true)
      stage.reconciler.end()
      #expect(try await stage.reconciler.reconcile(.linux) == .again(after: .seconds(300)))
      #expect(stage.status.failing.keys.contains(ObjectName(kind: "Service", name: "rollcall-linux")))

      let writes = try await stage.writes { () async throws in
        for count in 2..<6 {
          stage.set(nodes(0..<count))
          _ = try await stage.reconciler.reconcile(.linux)
        }
      }
      #expect(writes == 4, "one per change of the slice, none of the Service")
      #expect(stage.status.failing.keys.contains(ObjectName(kind: "Service", name: "rollcall-linux")))
      #expect(try stage.nodes().count == 5)
    }
  }

  @Test func `R36: an EndpointSlice is deleted only once its targets are written to another`() async throws {
    try await withStage { stage async throws in
      stage.set(nodes(100..<400))
      _ = try await stage.reconciler.reconcile(.linux)
      let name = try #require(try stage.slices.compactMap { $0["metadata"]?["name"]?.string }.first { $0.hasSuffix("-1") })
      try await stage.client.apply(
        [
          "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
          "metadata": ["name": .string(name), "namespace": "rollcall", "labels": ["app.kubernetes.io/name": "mine"]],
        ], fieldManager: "somebody", force: true)
      // One slice is dissolved, and its nodes move to the emptier of the others, which is the one in conflict.
      let remaining = nodes(100..<130) + nodes(200..<220) + nodes(300..<310)
      stage.set(remaining)
      #expect(try await stage.reconciler.reconcile(.linux) == .again(after: .seconds(300)))
      #expect(stage.status.failing.keys.contains(ObjectName(kind: "EndpointSlice", name: name)))
      #expect(try Set(stage.nodes()).isSuperset(of: remaining.map(\.node)))
    }
  }

  @Test(arguments: [404, 403])
  func `the other objects are reconciled without the ServiceMonitor kind`(status: Int) async throws {
    try await withStage(mode: .auto) { stage async throws in
      stage.server.rejectNext(
        Rejection(
          status: status, reason: status == 404 ? "NotFound" : "Forbidden", count: 1000, resource: "servicemonitors.monitoring.coreos.com"))
      stage.set(nodes(0..<3))
      #expect(try await stage.reconciler.reconcile(.linux) == (status == 404 ? .settled : .again(after: .seconds(300))))
      #expect(try stage.nodes().count == 3)
      let targets = stage.status
      #expect(targets.lacksServiceMonitors == (status == 404))
      #expect(targets.failing.isEmpty == (status == 404))
    }
  }

  @Test func `a rejected EndpointSlice does not block the others, and old ones stay`() async throws {
    try await withStage { stage async throws in
      stage.set(nodes(0..<100))
      _ = try await stage.reconciler.reconcile(.linux)
      // All nodes move to another port, which replaces the slice.
      stage.set(
        nodes(0..<100).map {
          var target = $0; target.port = 9999; return target
        })
      stage.server.rejectNext(Rejection(status: 422, reason: "Invalid", verb: .apply, resource: "endpointslices.discovery.k8s.io"))
      await #expect(throws: ReconcileError.self) { try await stage.reconciler.reconcile(.linux) }
      #expect(try stage.slices.compactMap { $0["ports"]?[0]?["port"]?.integer } == [9753])
      _ = try await stage.reconciler.reconcile(.linux)
      #expect(try stage.slices.compactMap { $0["ports"]?[0]?["port"]?.integer } == [9999])
    }
  }

  @Test(arguments: [500, 429, 401])
  func `a failing API server is not hit with further requests`(status: Int) async throws {
    try await withStage { stage async throws in
      stage.set(nodes(0..<500))
      stage.server.rejectNext(Rejection(status: status, reason: "Trouble", count: 1000, resource: "endpointslices.discovery.k8s.io"))
      await #expect(throws: (any Error).self) { try await stage.reconciler.reconcile(.linux) }
      // The list fails, so that nothing is written.
      #expect(stage.server.writeCount() == 0)
    }
  }

  @Test func `R33: a replica that is not the leader writes nothing`() async throws {
    try await withStage { stage async throws in
      stage.set(nodes(0..<3))
      stage.inputs.isLeading.withLock { $0 = false }
      await #expect(throws: ReconcileError.self) { try await stage.reconciler.reconcile(.linux) }
      #expect(stage.server.writeCount() == 0)
    }
  }

  @Test func `R35: an invalid Node is reported and affects no other`() async throws {
    try await withStage { stage async throws in
      stage.set(nodes(0..<2) + [Target(node: "bad", source: .linux, address: "127.0.0.1", port: 9753)])
      _ = try await stage.reconciler.reconcile(.linux)
      #expect(try stage.nodes() == ["node-0", "node-1"])
      #expect(stage.status.refused.map(\.target.node) == ["bad"])
      #expect(stage.status.published == 2)
    }
  }
}
