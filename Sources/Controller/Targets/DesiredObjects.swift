import JSON
import Roll

/// A Service that stands for the targets of a source. Without a selector, so that nobody but us fills it, and without an address,
/// since nothing is to be balanced over the targets. A headless Service needs no ports; the EndpointSlices have them.
func service(source: Source, settings: TargetSettings) -> JSONValue {
  [
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": [
      "name": .string(ObjectNames.service(source)),
      "namespace": .string(settings.namespace),
      "labels": .object(ObjectNames.labels(source, extra: settings.extraLabels)),
    ],
    "spec": ["clusterIP": "None"],
  ]
}

/// Tells a Prometheus Operator to scrape the targets of a source.
/// https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.ServiceMonitor
func serviceMonitor(source: Source, endpoints: [ScrapeEndpoint], settings: TargetSettings) -> JSONValue {
  let spec: JSONValue = [
    "selector": ["matchLabels": [ObjectNames.managedBy: .string(ObjectNames.manager), ObjectNames.source: .string(source.rawValue)]],
    "namespaceSelector": ["matchNames": [.string(settings.namespace)]],
    // The Endpoints API is deprecated, and we write no Endpoints.
    "serviceDiscoveryRole": "EndpointSlice",
    // The node is in `targetRef` of each endpoint: Prometheus need not watch Nodes for it.
    "attachMetadata": ["node": false],
    "endpoints": .array(endpoints.map { scrape($0, of: source, settings: settings) }),
    "bodySizeLimit": .string(ByteSize.text(of: settings.bodyLimit)),
    "sampleLimit": .integer(Int64(settings.sampleLimit)),
  ]
  return [
    "apiVersion": "monitoring.coreos.com/v1",
    "kind": "ServiceMonitor",
    "metadata": [
      "name": .string(ObjectNames.service(source)),
      "namespace": .string(settings.namespace),
      "labels": .object(ObjectNames.labels(source, extra: settings.extraLabels)),
    ],
    "spec": spec,
  ]
}

private func scrape(_ endpoint: ScrapeEndpoint, of source: Source, settings: TargetSettings) -> JSONValue {
  let probeAddress = source == .windows ? settings.probeAddress : nil
  var object: JSONValue = [
    "port": .string(endpoint.portName),
    "path": .string(probeAddress == nil ? endpoint.path : "/probe"),
    "scheme": .string(probeAddress == nil ? endpoint.scheme : "http"),
    "interval": .string("\(max(settings.scrapeInterval.wholeMilliseconds / 1000, 1))s"),
    // The samples name the containers that they are about. Without this, `namespace` and `pod` would become `exported_namespace` and
    // `exported_pod` beside those of the Service.
    "honorLabels": true,
    "relabelings": .array(
      [
        // The operator takes these from the Service and from the endpoint's Pod. On a sample without its own they would say that numbers
        // of a node, or of a pod elsewhere, are of our namespace and of one container. `node` it takes from `targetRef`, and that stays.
        [
          "action": "labeldrop",
          "regex": "namespace|service|pod|container|endpoint",
        ]
      ] + (probeAddress.map(toProbe) ?? []) + (source == .virtual ? toPageOfNode : [])),
  ]
  if source == .linux, endpoint.scheme == "https" { object["tlsConfig"] = agentTLS(settings.agentTLSSecret) }
  return object
}

/// Agents are scraped at their nodes' addresses and share one certificate, so that it is checked for a name of ours.
/// https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.TLSConfig
private func agentTLS(_ secret: String?) -> JSONValue {
  func item(_ key: String, of secret: String) -> JSONValue { ["name": .string(secret), "key": .string(key)] }
  // Without one of the user's, agents have the certificate that the leader made for the roll.
  guard let secret else {
    return ["serverName": .string(agentServerName), "ca": ["secret": item("ca.crt", of: ObjectNames.tlsSecret)]]
  }
  return [
    "serverName": .string(agentServerName), "ca": ["secret": item("ca.crt", of: secret)], "cert": ["secret": item("tls.crt", of: secret)],
    "keySecret": item("tls.key", of: secret),
  ]
}

/// The DNS name in the certificate of agents, as in the one that the leader makes for the roll.
private let agentServerName = "rollcall-agent"

/// The pages of virtual nodes are all at one address of ours: the node is a parameter of the scrape, and what tells the targets apart.
private let toPageOfNode = [naming("__param_node"), naming("instance")]

/// The multi-target way: the node is a parameter of the scrape, and the address is ours.
/// https://prometheus.io/docs/guides/multi-target-exporter/
private func toProbe(at address: String) -> [JSONValue] {
  [
    naming("__param_node"),
    ["action": "replace", "sourceLabels": ["__address__"], "targetLabel": "instance"],
    ["action": "replace", "targetLabel": "__address__", "replacement": .string(address)],
  ]
}

/// Names the node in a label. By the endpoint's `targetRef`, which every Prometheus knows that knows EndpointSlices. It has had a label for
/// `nodeName` only since 2024, and a scrape whose parameter is lost gets the pages of all nodes.
private func naming(_ label: String) -> JSONValue {
  [
    "action": "replace", "sourceLabels": ["__meta_kubernetes_endpointslice_address_target_name"], "targetLabel": .string(label),
  ]
}

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

extension ObjectNames {
  static func slice(_ source: Source, _ group: SlicePacking.Group, number: Int) -> String {
    "\(service(source))-\(group.family.rawValue)-\(group.endpoint.portName)-\(number)"
  }
}
