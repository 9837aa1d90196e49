import JSON
internal import Primitives
import Roll

/// The Service of a source's EndpointSlices of one address family. It has no selector, so only Rollcall manages its endpoints. It is
/// headless, because nothing balances over the targets, and therefore needs no ports; the EndpointSlices have them.
///
/// The API server would give a Service without families both, the cluster's first one first, and Prometheus 3.11 and newer ignore
/// EndpointSlices of the second one. A headless Service may change its families, so this also corrects existing Services.
func service(source: Source, family: IPAddress.Family, settings: TargetSettings) -> JSONValue {
  [
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": [
      "name": .string(ObjectNames.service(source, family)),
      "namespace": .string(settings.namespace),
      "labels": .object(ObjectNames.labels(source, extra: settings.extraLabels)),
    ],
    "spec": ["clusterIP": "None", "ipFamilies": [.string(family.kubernetesName)], "ipFamilyPolicy": "SingleStack"],
  ]
}

/// The ServiceMonitor that makes Prometheus Operator scrape the targets of a source.
/// https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.ServiceMonitor
func serviceMonitor(source: Source, endpoints: [ScrapeEndpoint], settings: TargetSettings) -> JSONValue {
  let spec: JSONValue = [
    "selector": ["matchLabels": [ObjectNames.managedBy: .string(ObjectNames.manager), ObjectNames.source: .string(source.rawValue)]],
    "namespaceSelector": ["matchNames": [.string(settings.namespace)]],
    // The Endpoints API is deprecated, and Rollcall writes no Endpoints.
    "serviceDiscoveryRole": "EndpointSlice",
    // Each endpoint's `targetRef` names the node, so Prometheus need not watch Nodes.
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
    "scheme": .string(probeAddress == nil ? endpoint.scheme : settings.port.tls == nil ? "http" : "https"),
    "interval": .string("\(max(settings.scrapeInterval.wholeMilliseconds / 1000, 1))s"),
    // Samples carry the `namespace` and `pod` of their container. Without this, Prometheus would rename these labels to
    // `exported_namespace` and `exported_pod`.
    "honorLabels": true,
    "relabelings": .array(
      [
        // The operator sets these from the Service and the endpoint's Pod. On samples without labels of that name they would attribute
        // metrics of a node to a pod in Rollcall's namespace. `node`, which it sets from `targetRef`, is kept.
        [
          "action": "labeldrop",
          "regex": "namespace|service|pod|container|endpoint",
        ],
        // The operator sets this to the name of the Service, which differs between address families.
        ["action": "replace", "targetLabel": "job", "replacement": .string(ObjectNames.service(source))],
      ] + (probeAddress.map(toProbe) ?? []) + (source == .virtual ? toVirtualNode : [])),
  ]
  // Virtual nodes and the kubelet's summary have samples with timestamps, whose series would otherwise last for five minutes after their
  // end.
  if source == .virtual || probeAddress != nil { object["trackTimestampsStaleness"] = true }
  if source == .linux, endpoint.scheme == "https" { object["tlsConfig"] = agentTLS(settings) }
  if probeAddress != nil || source == .virtual { settings.port.secure(&object, authority: settings.authoritySecret) }
  return object
}

extension ScrapedPort {
  /// Adds what Prometheus needs to scrape our own port. No other target gets the token.
  fileprivate func secure(_ endpoint: inout JSONValue, authority: String) {
    switch tls {
    case nil: break
    case .own:
      endpoint["tlsConfig"] = [
        "serverName": .string(PortNames.common), "ca": ["secret": ["name": .string(authority), "key": "ca.crt"]],
      ]
    case .secret(let name): endpoint["tlsConfig"] = ["ca": ["secret": ["name": .string(name), "key": "ca.crt"]]]
    case .system: break
    }
    switch token {
    case nil: break
    case .serviceAccount: endpoint["bearerTokenFile"] = .string(Self.tokenFile)
    case .secret(let name): endpoint["authorization"] = ["credentials": ["name": .string(name), "key": "token"]]
    }
  }

  /// https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/
  private static let tokenFile = "/var/run/secrets/kubernetes.io/serviceaccount/token"
}

/// Agents are scraped at node addresses and share one certificate, which is therefore verified for a fixed server name.
/// https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.TLSConfig
private func agentTLS(_ settings: TargetSettings) -> JSONValue {
  func item(_ key: String, of secret: String) -> JSONValue { ["name": .string(secret), "key": .string(key)] }
  // Without a Secret of the user, agents serve the certificate that the leader issued for the roll.
  guard let secret = settings.agentTLSSecret else {
    return ["serverName": .string(agentServerName), "ca": ["secret": item("ca.crt", of: settings.authoritySecret)]]
  }
  return [
    "serverName": .string(agentServerName), "ca": ["secret": item("ca.crt", of: secret)], "cert": ["secret": item("tls.crt", of: secret)],
    "keySecret": item("tls.key", of: secret),
  ]
}

/// The DNS name in the agents' certificate. The certificate that the leader issues has it too.
private let agentServerName = "rollcall-agent"

/// The controller serves all virtual nodes at one address. The scrape parameter selects the node, and `instance` identifies it.
private let toVirtualNode = [naming("__param_node"), naming("instance")]

/// The multi-target exporter pattern: the node is a scrape parameter, and the address is the controller's.
/// https://prometheus.io/docs/guides/multi-target-exporter/
private func toProbe(at address: String) -> [JSONValue] {
  [
    naming("__param_node"),
    ["action": "replace", "sourceLabels": ["__address__"], "targetLabel": "instance"],
    ["action": "replace", "targetLabel": "__address__", "replacement": .string(address)],
  ]
}

/// Sets a label to the node's name, taken from the endpoint's `targetRef`. Every Prometheus that discovers EndpointSlices has that label;
/// the one for `nodeName` exists only since 2024, and a scrape without the parameter would return all nodes.
private func naming(_ label: String) -> JSONValue {
  [
    "action": "replace", "sourceLabels": ["__meta_kubernetes_endpointslice_address_target_name"], "targetLabel": .string(label),
  ]
}

/// https://kubernetes.io/docs/reference/kubernetes-api/service-resources/endpoint-slice-v1/
func endpointSlice(_ content: SliceContent, source: Source, settings: TargetSettings) -> JSONValue {
  let group = content.group
  var labels = ObjectNames.labels(source, extra: settings.extraLabels)
  labels[ObjectNames.serviceName] = .string(ObjectNames.service(source, group.family))
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
    "addressType": .string(group.family.kubernetesName),
    "ports": [
      ["name": .string(group.endpoint.portName), "port": .integer(Int64(group.endpoint.port)), "protocol": "TCP"]
    ],
    "endpoints": .array(content.members.map(\.endpointObject)),
  ]
}

extension IPAddress.Family {
  /// As in `Service.spec.ipFamilies` and `EndpointSlice.addressType`.
  fileprivate var kubernetesName: String {
    switch self {
    case .ipv4: "IPv4"
    case .ipv6: "IPv6"
    }
  }
}

extension AdmittedTarget {
  fileprivate var endpointObject: JSONValue {
    [
      "addresses": [.string(address.description)],
      // Prometheus also scrapes endpoints that are not ready. The condition informs people and other consumers.
      "conditions": ["ready": .bool(ready)],
      "nodeName": .string(node),
      "targetRef": ["kind": "Node", "name": .string(identity.node)],
    ]
  }
}

extension EndpointIdentity {
  /// The identity of an endpoint that Rollcall wrote; `nil` for any other.
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
