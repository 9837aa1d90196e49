import JSON
import Primitives

/// A random cluster: Pods, Services with the endpoints that Kubernetes makes of them, monitors, and a Prometheus object.
struct MonitoredCluster {
  private(set) var objects: [JSONValue] = []
  private(set) var prometheus: JSONValue = [:]
  /// The monitors that the Prometheus object selects.
  private(set) var adopted: [JSONValue] = []

  private var random: SplitMix64
  private static let namespaces = ["shop", "blog", "mail"]
  private static let stages = ["shop": "prod", "blog": "prod", "mail": "test"]

  /// A port that a container declares, or that a Service has.
  private struct Port {
    var name: String
    var number: Int
  }

  private struct Pod {
    var namespace: String
    var name: String
    var address: String
    var labels: [String: String]
    var ports: [Port]
    var isTerminating: Bool
  }

  /// - Parameter network: the first three numbers of the Pods' addresses.
  init(seed: UInt64, network: String) {
    random = SplitMix64(seed: seed)
    for (namespace, stage) in Self.stages {
      objects.append([
        "apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(namespace), "labels": ["stage": .string(stage)]],
      ])
    }
    let pods = (1...30).map { addPod($0, network: network) }
    for number in 0..<10 { addService("service-\(number)", pods) }
    addPrometheus()
    for number in 0..<12 { addMonitor("m\(number)") }
  }

  private mutating func pick<Value>(_ values: [Value]) -> Value { values[Int.random(in: 0..<values.count, using: &random)] }
  private mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }

  /// Keys that are one after sanitizing are never together, because scrapers keep any of them.
  private mutating func labels() -> [String: String] {
    var labels: [String: String] = [:]
    if chance(85) { labels["app"] = pick(["web", "api"]) }
    if chance(50) { labels[pick(["x.y", "x_y", "x/y"])] = pick(["1", "2"]) }
    if chance(60) { labels["ver"] = pick(["1.2", "1x2", "12"]) }
    if chance(20) { labels["empty"] = "" }
    return labels
  }

  private func json(_ labels: [String: String]) -> JSONValue { .object(JSONObject(labels.map { ($0.key, .string($0.value)) })) }

  private mutating func addPod(_ number: Int, network: String) -> Pod {
    let all = [
      Port(name: "http", number: 8080), Port(name: "metrics", number: 9100), Port(name: "", number: 7000),
      Port(name: "admin", number: 9000),
    ]
    let namespace = pick(Self.namespaces)
    let ports = all.filter { _ in chance(50) }
    let pod = Pod(
      namespace: namespace, name: "\(namespace)-\(number)", address: "\(network).\(number)", labels: labels(), ports: ports,
      isTerminating: chance(10))
    // Each port is declared by one container: which of several is named is not a question of discovery.
    let split = ports.isEmpty ? 0 : Int.random(in: 0...ports.count, using: &random)
    var containers = [container("one", Array(ports[..<split]))]
    if chance(50) || split < ports.count { containers.append(container("two", Array(ports[split...]))) }
    var status: JSONValue = ["phase": .string(pick(["Running", "Running", "Running", "Running", "Pending", "Succeeded", "Failed"]))]
    if !chance(5) {
      status["podIP"] = .string(pod.address)
      status["podIPs"] = [["ip": .string(pod.address)]]
    }
    objects.append([
      "apiVersion": "v1", "kind": "Pod",
      "metadata": ["namespace": .string(namespace), "name": .string(pod.name), "labels": json(pod.labels)],
      "spec": ["nodeName": "worker", "containers": .array(containers)], "status": status,
    ])
    var endpoint = pod
    // Kubernetes makes no endpoints of Pods that have ended or have no address.
    if status["podIP"] == nil || status["phase"] == "Succeeded" || status["phase"] == "Failed" { endpoint.address = "" }
    return endpoint
  }

  private func container(_ name: String, _ ports: [Port]) -> JSONValue {
    let ports = ports.map { port -> JSONValue in
      var declared: JSONValue = ["containerPort": .integer(Int64(port.number))]
      if !port.name.isEmpty { declared["name"] = .string(port.name) }
      return declared
    }
    return ["name": .string(name), "image": "example.invalid/image", "ports": .array(ports)]
  }

  // MARK: Services

  private mutating func addService(_ name: String, _ pods: [Pod]) {
    let namespace = pick(Self.namespaces)
    let selector = ["app": pick(["web", "api"])]
    let labels = labels()
    let ports = [
      (Port(name: "http", number: 80), JSONValue.integer(8080)), (Port(name: "named", number: 81), "metrics"),
      (Port(name: "other", number: 82), 9999),
    ]
    .filter { _ in chance(60) }
    let family = chance(50) ? "IPv4" : nil
    var spec: JSONValue = [
      "selector": json(selector), "publishNotReadyAddresses": .bool(chance(20)),
      "ports": .array(
        ports.map { port, target in ["name": .string(port.name), "port": .integer(Int64(port.number)), "targetPort": target] }),
    ]
    if let family { spec["ipFamilies"] = [.string(family)] }
    let metadata: JSONValue = ["namespace": .string(namespace), "name": .string(name), "labels": json(labels)]
    objects.append(["apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec])

    // Pods with the same numbers of the ports are in one slice, and in one subset.
    var groups: [[String: Int]: [Pod]] = [:]
    for pod in pods where pod.namespace == namespace && !pod.address.isEmpty && selector.allSatisfy({ pod.labels[$0.key] == $0.value }) {
      var found: [String: Int] = [:]
      for (port, target) in ports {
        found[port.name] = target.integer.map { Int($0) } ?? pod.ports.first { $0.name == target.string }?.number
      }
      groups[found, default: []].append(pod)
    }
    let isManual = chance(15)
    var labelsOfSlices = labels
    labelsOfSlices["kubernetes.io/service-name"] = name
    labelsOfSlices["endpointslice.kubernetes.io/managed-by"] = isManual ? "someone" : "endpointslice-controller.k8s.io"
    var subsets: [JSONValue] = []
    for (number, (found, pods)) in groups.sorted(by: { "\($0.key)" < "\($1.key)" }).enumerated() {
      let ports = JSONValue.array(found.sorted { $0.key < $1.key }.map { ["name": .string($0.key), "port": .integer(Int64($0.value))] })
      objects.append([
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4", "ports": ports,
        "metadata": ["namespace": .string(namespace), "name": .string("\(name)-\(number)"), "labels": json(labelsOfSlices)],
        "endpoints": .array(
          pods.map { pod in
            [
              "addresses": [.string(pod.address)], "targetRef": reference(pod),
              "conditions": ["ready": .bool(!pod.isTerminating), "terminating": .bool(pod.isTerminating)],
            ]
          }),
      ])
      let present = pods.filter { !$0.isTerminating || spec["publishNotReadyAddresses"] == true }
      if !present.isEmpty, !found.isEmpty {
        subsets.append(["addresses": .array(present.map { ["ip": .string($0.address), "targetRef": reference($0)] }), "ports": ports])
      }
    }
    if !isManual { objects.append(["apiVersion": "v1", "kind": "Endpoints", "metadata": metadata, "subsets": .array(subsets)]) }
  }

  private func reference(_ pod: Pod) -> JSONValue { ["kind": "Pod", "namespace": .string(pod.namespace), "name": .string(pod.name)] }

  // MARK: Monitors

  private mutating func addPrometheus() {
    var spec: JSONValue = ["probeSelector": [:], "ignoreNamespaceSelectors": .bool(chance(20))]
    for kind in ["serviceMonitor", "podMonitor"] {
      if !chance(10) { spec["\(kind)Selector"] = chance(50) ? [:] : ["matchLabels": ["team": .string(pick(["a", "b"]))]] }
      if chance(85) { spec["\(kind)NamespaceSelector"] = chance(70) ? [:] : ["matchLabels": ["stage": "prod"]] }
    }
    if chance(60) { spec["serviceDiscoveryRole"] = .string(pick(["EndpointSlice", "Endpoints"])) }
    prometheus = [
      "apiVersion": "monitoring.coreos.com/v1", "kind": "Prometheus",
      "metadata": ["namespace": .string(pick(Self.namespaces)), "name": "main"],
      "spec": spec,
    ]
    objects.append(prometheus)
  }

  private mutating func selector() -> JSONValue {
    var selector: JSONValue = [:]
    if chance(60) { selector["matchLabels"] = json(labels().filter { _ in chance(40) }) }
    if chance(40) {
      let key = pick(["app", "x.y", "x_y", "ver", "empty", "none"])
      let name = pick(["In", "NotIn", "Exists", "DoesNotExist"])
      var expression: JSONValue = ["key": .string(key), "operator": .string(name)]
      if name == "In" || name == "NotIn" {
        expression["values"] = .array((0..<2).map { _ in .string(pick(["web", "1.2", "1", "", "12"])) })
      }
      selector["matchExpressions"] = [expression]
    }
    return selector
  }

  private mutating func addMonitor(_ name: String) {
    let isOfPods = chance(50)
    let (namespace, team) = (pick(Self.namespaces), pick(["a", "b"]))
    let endpoints = (0..<2).map { _ -> JSONValue in
      let port: JSONValue = .string(pick(["http", "metrics", "named", "other", "none"]))
      let target = pick(["http", "metrics", 8080, 9100, 7000, 9999] as [JSONValue])
      return pick([
        ["port": port], ["port": port, "targetPort": target], ["targetPort": target], isOfPods ? ["portNumber": 9100] : [:], [:],
      ])
    }
    var spec: JSONValue = [
      "selector": selector(), isOfPods ? "podMetricsEndpoints" : "endpoints": .array(endpoints),
      "namespaceSelector": pick([[:], ["any": true], ["matchNames": [.string(pick(Self.namespaces)), .string(pick(Self.namespaces))]]]),
    ]
    if chance(20) { spec["selectorMechanism"] = "RoleSelector" }
    if !isOfPods, chance(40) { spec["serviceDiscoveryRole"] = .string(pick(["EndpointSlice", "Endpoints"])) }
    let monitor: JSONValue = [
      "apiVersion": "monitoring.coreos.com/v1", "kind": isOfPods ? "PodMonitor" : "ServiceMonitor",
      "metadata": ["namespace": .string(namespace), "name": .string(name), "labels": ["team": .string(team)]], "spec": spec,
    ]
    objects.append(monitor)

    let kind = isOfPods ? "podMonitor" : "serviceMonitor"
    guard let selector = prometheus["spec"]?["\(kind)Selector"], selector == [:] || selector["matchLabels"]?["team"]?.string == team else {
      return
    }
    if let namespaces = prometheus["spec"]?["\(kind)NamespaceSelector"] {
      if namespaces != [:], Self.stages[namespace] != "prod" { return }
    } else if prometheus["metadata"]?["namespace"]?.string != namespace {
      return
    }
    adopted.append(monitor)
  }
}
