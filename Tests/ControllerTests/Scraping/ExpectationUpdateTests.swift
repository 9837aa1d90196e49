import JSON
import KubeClient
import Primitives
import Testing

@testable import Controller

@Suite struct ExpectationUpdateTests {
  private typealias Objects = ScrapeObjects

  /// The objects of a cluster that changes at random, by their keys.
  private struct World {
    var random: SplitMix64
    var monitors: [MonitorID: MonitorRecord] = [:]
    var prometheuses: [PrometheusID: PrometheusRecord] = [:]
    var services: [ObjectKey: ServiceRecord] = [:]
    var slices: [ObjectKey: EndpointSliceRecord] = [:]
    var namespaces: [String: [String: String]] = [:]
    var pods: [PodRecord] = []

    private static let spaces = ["shop", "blog", "mail"]
    private static let apps = ["web", "api", "job"]

    init(seed: UInt64) {
      random = SplitMix64(seed: seed)
      for number in 0..<24 {
        var labels = ["app": pick(Self.apps)]
        if chance(50) { labels["tier"] = pick(["front", "back"]) }
        if chance(50) { labels["statefulset.kubernetes.io/pod-name"] = "web-\(number)" }
        pods.append(
          Objects.pod(
            "web-\(number)", in: pick(Self.spaces), ip: "10.1.0.\(number)", labels: labels,
            annotations: chance(50) ? ["prometheus.io/scrape": "true"] : [:]))
      }
    }

    mutating func pick<Value>(_ values: [Value]) -> Value { values[Int.random(in: 0..<values.count, using: &random)] }
    mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }

    mutating func labels() -> [String: String] {
      var labels: [String: String] = [:]
      if chance(80) { labels["app"] = pick(Self.apps) }
      if chance(40) { labels["tier"] = pick(["front", "back"]) }
      if chance(10) { labels["statefulset.kubernetes.io/pod-name"] = "web-\(pick(Array(0..<24)))" }
      return labels
    }

    mutating func json(_ labels: [String: String]) -> JSONValue { .object(JSONObject(labels.map { ($0.key, .string($0.value)) })) }

    /// Changes one object at random, here and in the expectation.
    mutating func change(_ expectation: inout ScrapeExpectations) {
      let (namespace, name) = (pick(Self.spaces), pick(["a", "b", "c"]))
      let key = ObjectKey(namespace: namespace, name: name)
      let isRemoved = chance(30)
      switch pick([0, 0, 0, 1, 1, 2, 2, 3, 4]) {
      case 0:
        let kind = pick(MonitorID.Kind.allCases)
        let id = MonitorID(kind, namespace: namespace, name: name)
        guard !isRemoved else {
          monitors[id] = nil
          return expectation.removeMonitor(id)
        }
        let port = pick(["http", "metrics"])
        let record = Objects.monitor(
          kind, named: name, in: namespace, labels: json(labels()),
          [
            "selector": ["matchLabels": json(labels())],
            "namespaceSelector": pick([[:], ["any": true], ["matchNames": [.string(pick(Self.spaces))]]]),
            "selectorMechanism": .string(pick(["RoleSelector", "RelabelConfig"])),
            "endpoints": [["port": .string(port)]], "podMetricsEndpoints": [["port": .string(port)]],
            "kubernetesSDConfigs": [
              ["role": .string(pick(["Pod", "EndpointSlice"])), "namespaces": ["names": [.string(pick(Self.spaces))]]]
            ],
          ])
        monitors[id] = record
        expectation.set(record)
      case 1:
        guard !isRemoved else {
          services[key] = nil
          return expectation.removeService(key)
        }
        let record = Objects.service(
          named: name, in: namespace, labels: json(labels()), annotations: chance(20) ? ["prometheus.io/scrape": "true"] : [:],
          ["selector": json(chance(80) ? labels() : [:]), "ports": [["name": "http", "port": 80]]])
        services[key] = record
        expectation.set(record)
      case 2:
        guard !isRemoved else {
          slices[key] = nil
          return expectation.removeSlice(key)
        }
        let own = pods.filter { $0.namespace == namespace }.map { ($0.name, $0.podIPs[0]) }
        let chosen = Dictionary(own.filter { _ in chance(50) }) { $1 }
        let record = Objects.slice(
          of: pick(["a", "b", "c"]), named: name, in: namespace, manager: pick(["endpointslice-controller.k8s.io", "me"]),
          terminating: chance(20),
          chosen)
        slices[key] = record
        expectation.set(record)
      case 3:
        let id = PrometheusID(.server, namespace: namespace, name: name)
        guard !isRemoved else {
          prometheuses[id] = nil
          return expectation.removePrometheus(id)
        }
        var changes: JSONValue = ["ignoreNamespaceSelectors": .bool(chance(30))]
        if chance(50) { changes["serviceDiscoveryRole"] = "EndpointSlice" }
        if chance(30) { changes["podMonitorNamespaceSelector"] = ["matchLabels": ["stage": "prod"]] }
        if chance(30) { changes["serviceMonitorSelector"] = ["matchLabels": json(labels())] }
        let record = Objects.prometheus(named: name, in: namespace, Objects.everything(changes))
        prometheuses[id] = record
        expectation.set(record)
      default:
        let labels = isRemoved ? nil : ["stage": pick(["prod", "test"])]
        namespaces[namespace] = labels
        expectation.setNamespace(namespace, labels: labels)
      }
    }

    /// What a new expectation of all objects says.
    func fromScratch() -> [[ScrapeExpectation]] {
      var expectation = ScrapeExpectations()
      for (name, labels) in namespaces { expectation.setNamespace(name, labels: labels) }
      for slice in slices.values { expectation.set(slice) }
      for prometheus in prometheuses.values { expectation.set(prometheus) }
      for monitor in monitors.values { expectation.set(monitor) }
      for service in services.values { expectation.set(service) }
      return said(by: &expectation)
    }

    func said(by expectation: inout ScrapeExpectations) -> [[ScrapeExpectation]] {
      pods.map { expectation.expectations(of: $0).sorted { "\($0)" < "\($1)" } }
    }
  }

  @Test(arguments: 0..<40 as Range<UInt64>)
  func `R114: after any changes, in any order, the expectation is that of the objects there are`(seed: UInt64) {
    var world = World(seed: seed)
    var expectation = ScrapeExpectations()
    for step in 0..<60 {
      world.change(&expectation)
      guard step % 5 == 4 else { continue }
      let said = world.said(by: &expectation)
      let expected = world.fromScratch()
      guard said == expected else {
        Issue.record(
          "seed \(seed), step \(step): \(said.filter { !expected.contains($0) }) instead of \(expected.filter { !said.contains($0) })")
        return
      }
      if step % 20 == 19 {
        expectation.beginPass()
        _ = world.said(by: &expectation)
        expectation.endPass()
      }
    }
  }

  @Test func `R114: a change evaluates only the selectors that it concerns`() {
    var expectation = ScrapeExpectations()
    expectation.set(Objects.prometheus())
    for number in 0..<100 {
      expectation.set(
        Objects.service(named: "s\(number)", labels: ["app": .string("a\(number)")], ["selector": ["app": .string("a\(number)")]]))
      expectation.set(Objects.slice(of: "s\(number)", ["p\(number)": "10.1.0.1"]))
      _ = expectation.expectations(of: Objects.pod("p\(number)", labels: ["app": "a\(number)"]))
    }
    func evaluations(_ body: (inout ScrapeExpectations) -> Void) -> Int {
      let before = expectation.evaluations
      body(&expectation)
      return expectation.evaluations - before
    }
    let services = Objects.monitor(
      .serviceMonitor, named: "m", ["selector": ["matchLabels": ["app": "a1"]], "endpoints": [["port": "http"]]])
    let pods = Objects.monitor(
      .podMonitor, named: "m", ["selector": ["matchLabels": ["app": "a1"]], "podMetricsEndpoints": [["port": "http"]]])
    #expect(evaluations { $0.set(services) } == 100, "each Service once")
    #expect(evaluations { $0.set(pods) } == 100, "each group of Pods once")
    #expect(evaluations { $0.set(services) } == 0)
    #expect(
      evaluations {
        $0.set(Objects.monitor(.serviceMonitor, named: "m", ["selector": ["matchLabels": ["app": "a1"]], "endpoints": [["port": "x"]]]))
      } == 0,
      "only the port has changed")
    #expect(
      evaluations { $0.set(Objects.monitor(.serviceMonitor, named: "n", in: "blog", ["selector": [:], "endpoints": [["port": "http"]]])) }
        == 0)
    #expect(
      evaluations { _ = $0.expectations(of: Objects.pod("p1-b", labels: ["app": "a1"])) } == 0, "another Pod of a group that is known")
    #expect(
      evaluations { _ = $0.expectations(of: Objects.pod("q", labels: ["app": "a1", "new": "1"])) } == 2, "one monitor and one Service")
    #expect(evaluations { $0.set(Objects.slice(of: "s1", ["p1": "10.1.0.9"])) } == 0)
    #expect(evaluations { $0.set(Objects.prometheus(named: "other")) } == 0)
    #expect(
      evaluations { $0.set(Objects.service(named: "s1", labels: ["app": "a1"], ["selector": ["app": "a1"], "ports": [["port": 1]]])) } == 0,
      "only the ports have changed")
    #expect(evaluations { $0.set(Objects.service(named: "s1", labels: ["app": "b"], ["selector": ["app": "a1"]])) } == 1, "one monitor")
  }

  @Test func `R114: a pass forgets the groups whose Pods are gone`() {
    var expectation = ScrapeExpectations()
    for number in 0..<10 { _ = expectation.expectations(of: Objects.pod(labels: ["hash": "\(number)"])) }
    #expect(expectation.groupCount == 10)
    expectation.beginPass()
    _ = expectation.expectations(of: Objects.pod(labels: ["hash": "3"]))
    expectation.endPass()
    #expect(expectation.groupCount == 1)
    expectation.set(Objects.monitor(.podMonitor, ["selector": [:], "podMetricsEndpoints": [["port": "http"]]]))
    #expect(expectation.expectations(of: Objects.pod(labels: ["hash": "3"])).count == 1)
    #expect(expectation.expectations(of: Objects.pod(labels: ["hash": "4"])).count == 1)
  }
}
