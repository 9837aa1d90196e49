import JSON
import KubeClient
import Primitives

@testable import Controller

/// Objects of the namespace `shop` as records.
enum ScrapeObjects {
  static func metadata(_ name: String, in namespace: String, labels: JSONValue = [:], annotations: JSONValue = [:]) -> JSONValue {
    ["name": .string(name), "namespace": .string(namespace), "labels": labels, "annotations": annotations, "resourceVersion": "1"]
  }

  static func monitor(
    _ kind: MonitorID.Kind, named name: String = "web", in namespace: String = "shop", labels: JSONValue = [:],
    _ spec: JSONValue
  ) -> MonitorRecord {
    MonitorRecord(kind, ["metadata": metadata(name, in: namespace, labels: labels), "spec": spec])
  }

  static func prometheus(
    named name: String = "main", in namespace: String = "shop", kind: PrometheusID.Kind = .server, _ spec: JSONValue = everything
  ) -> PrometheusRecord {
    PrometheusRecord(kind, ["metadata": metadata(name, in: namespace), "spec": spec])
  }

  /// Adopts all monitors.
  static let everything: JSONValue = [
    "serviceMonitorSelector": [:], "serviceMonitorNamespaceSelector": [:], "podMonitorSelector": [:], "podMonitorNamespaceSelector": [:],
    "scrapeConfigSelector": [:], "scrapeConfigNamespaceSelector": [:], "probeSelector": [:], "probeNamespaceSelector": [:],
  ]

  static func everything(_ changes: JSONValue) -> JSONValue {
    guard case .object(var members) = everything, case .object(let changes) = changes else { return everything }
    members.merge(changes)
    return .object(members)
  }

  /// A Service that selects Pods with the label `app: web`.
  static func service(
    named name: String = "web", in namespace: String = "shop", labels: JSONValue = ["app": "web"], annotations: JSONValue = [:],
    _ spec: JSONValue = ["selector": ["app": "web"], "ports": [["name": "http", "port": 80, "targetPort": 8080]]]
  ) -> ServiceRecord {
    ServiceRecord(["metadata": metadata(name, in: namespace, labels: labels, annotations: annotations), "spec": spec])
  }

  /// A slice with Pods of the namespace, by their addresses.
  static func slice(
    of service: String = "web", named name: String? = nil, in namespace: String = "shop", type: String = "IPv4",
    manager: String = "endpointslice-controller.k8s.io", labels: [String: String] = [:],
    ports: JSONValue = [["name": "http", "port": 8080]],
    terminating: Bool = false, _ pods: [String: String]
  ) -> EndpointSliceRecord {
    var labels = labels
    labels["kubernetes.io/service-name"] = service
    labels["endpointslice.kubernetes.io/managed-by"] = manager
    let endpoints = pods.map { pod, address -> JSONValue in
      [
        "addresses": [.string(address)], "conditions": ["ready": .bool(!terminating), "terminating": .bool(terminating)],
        "targetRef": ["kind": "Pod", "namespace": .string(namespace), "name": .string(pod)],
      ]
    }
    return EndpointSliceRecord([
      "metadata": metadata(name ?? "\(service)-1", in: namespace, labels: .object(JSONObject(labels.map { ($0.key, .string($0.value)) }))),
      "addressType": .string(type), "endpoints": .array(endpoints), "ports": ports,
    ])
  }

  /// A Pod with the label `app: web` and a container `app` that declares the port `http`, unless told otherwise.
  static func pod(
    _ name: String = "web-0", in namespace: String = "shop", ip: String? = "10.1.0.7", phase: String = "Running",
    labels: [String: String] = ["app": "web"], annotations: [String: String] = [:],
    containers: [ContainerRecord] = [containerRecord("app")],
    ports: [String: [ContainerPort]] = ["app": [ContainerPort(name: "http", number: 8080)]]
  ) -> PodRecord {
    PodRecord(
      namespace: namespace, name: name, uid: "uid-\(name)", nodeName: "node-a", phase: phase, podIPs: ip.map { [$0] } ?? [],
      annotations: annotations, containers: containers, labels: labels, ports: ports)
  }
}

extension ScrapeExpectations {
  /// With these objects, in this order.
  init(
    _ monitors: [MonitorRecord], by prometheuses: [PrometheusRecord] = [ScrapeObjects.prometheus()], services: [ServiceRecord] = [],
    slices: [EndpointSliceRecord] = []
  ) {
    self.init()
    for monitor in monitors { set(monitor) }
    for prometheus in prometheuses { set(prometheus) }
    for service in services { set(service) }
    for slice in slices { set(slice) }
  }

  /// Container, address and port name of each target, and why there is none where the chain is broken.
  mutating func summary(of pod: PodRecord) -> [String] {
    expectations(of: pod).map { expectation in
      switch expectation.outcome {
      case .target(let target, _): "\(expectation.container ?? "-") \(target.hostAndPort) \(target.portName ?? "-")"
      case .broken(let link): link.summary
      }
    }
  }
}

extension BrokenLink {
  var summary: String {
    switch self {
    case .noMonitor(let ports): "no monitor: \(ports.map(\.name).joined(separator: ","))"
    case .portNotFound(let missing):
      switch missing.place {
      case .service(let name, let ports): "no port in service \(name) of \(ports.joined(separator: ","))"
      case .serviceTargetPort(let name, let target): "no target port \(target) of service \(name)"
      case .containers: "no port in containers of \(missing.declared.map { "\($0.name):\($0.number)" }.joined(separator: ","))"
      }
    case .noEndpoint(let missing): "no endpoint: \(missing.cause)"
    case .monitorNotAdopted(let refusals): "not adopted: \(refusals.map(\.prometheus.name).joined(separator: ","))"
    }
  }
}
