import JSON
import Roll

/// https://kubernetes.io/docs/reference/kubernetes-api/service-resources/endpoint-slice-v1/
func endpointSlice(_ content: SliceContent, source: Source, settings: TargetSettings) -> JSONValue {
  let group = content.group
  var labels = ObjectNames.labels(source, extra: settings.extraLabels)
  labels[ObjectNames.serviceName] = .string(ObjectNames.service(source))
  labels[ObjectNames.sliceManagedBy] = .string(ObjectNames.manager)
  return [
    "apiVersion": "discovery.k8s.io/v1",
    "kind": "EndpointSlice",
    "metadata": [
      "name": .string(content.name),
      "namespace": .string(settings.namespace),
      "labels": .object(labels),
      "annotations": [ScrapeEndpoint.annotation: .string(group.endpoint.annotationText)],
    ],
    "addressType": .string(group.family == .ipv4 ? "IPv4" : "IPv6"),
    "ports": [
      ["name": .string(group.endpoint.portName), "port": .integer(Int64(group.endpoint.port)), "protocol": "TCP"]
    ],
    "endpoints": .array(content.members.map(\.endpointObject)),
  ]
}

extension AdmittedTarget {
  fileprivate var endpointObject: JSONValue {
    [
      "addresses": [.string(address.description)],
      // Prometheus scrapes an endpoint that is not ready all the same; the condition is for people and for other readers.
      "conditions": ["ready": .bool(ready)],
      "nodeName": .string(node),
      "targetRef": ["kind": "Node", "name": .string(identity.node)],
    ]
  }
}

extension EndpointIdentity {
  /// What an endpoint of ours stands for; `nil` for one of somebody else.
  init?(endpoint: JSONValue) {
    guard endpoint["targetRef"]?["kind"]?.string == "Node", let name = endpoint["targetRef"]?["name"]?.string else { return nil }
    self.init(node: name)
  }
}
