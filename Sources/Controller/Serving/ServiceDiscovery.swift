internal import HTTPTypes
internal import JSON
internal import Primitives
import Roll

/// Targets in Prometheus's HTTP service discovery format: nodes by their source, and the replicas of the controller.
/// Format: https://prometheus.io/docs/prometheus/latest/http_sd/
struct ServiceDiscovery {
  /// Selects the replicas, as the name of a source selects its nodes.
  private static let controllerSource = "controller"

  private let controller: ControllerStatus

  init(_ controller: ControllerStatus) {
    self.controller = controller
  }

  /// Responds 503 until the caches are in sync: Prometheus then keeps its old targets, while an empty list would drop them (R36).
  /// - Parameters:
  ///   - selected: the sources; empty for all.
  ///   - authority: host and port of the request, at which Prometheus reaches us.
  func response(sources selected: [String], authority: String?) -> ServerResponse {
    let sources = Source.allCases.map(\.rawValue) + [Self.controllerSource]
    if let text = selected.first(where: { !sources.contains($0) }) {
      return .problem(.badRequest, "source \"\(text)\" is not one of \(sources.joined(separator: ", "))")
    }
    guard let targets = controller.targets.snapshot() else {
      return .problem(.serviceUnavailable, "the lists of nodes and pods are not complete yet; see /readyz")
    }
    // Virtual nodes are scraped at our own address, which needs no admission.
    let admitted = DiscoverableTargets(targets.filter { $0.source != .virtual }, allowsLoopback: controller.settings.allowsLoopback)
    let probeAddress = controller.settings.proxyAddress ?? authority.flatMap(Self.address(asked:))
    let virtual = targets.filter { $0.source == .virtual && (!$0.address.isEmpty || probeAddress != nil) }
    let published = (admitted.targets + virtual).sorted { $0.node < $1.node }
    let isProxied = controller.settings.proxiesWindows
    var groups = published.filter { selected.isEmpty || selected.contains($0.source.rawValue) }.map { target in
      var group = Self.group(target)
      if target.source == .virtual { Self.redirectToController(&group, of: target, orAt: probeAddress) }
      if isProxied, target.source == .windows, let probeAddress {
        Self.redirectToProbe(&group, at: probeAddress, scheme: controller.settings.scheme)
      }
      return group
    }
    if selected.isEmpty || selected.contains(Self.controllerSource) { groups += replicas(authority: authority) }
    return .json(.array(groups))
  }

  /// The replicas of the controller; outside of the cluster this one, at the address that was asked.
  private func replicas(authority: String?) -> [JSONValue] {
    let port = controller.settings.listen.port
    var addresses = controller.replicas.status.map { (pod: $0.pod, address: Self.authority($0.address, port)) }
    if addresses.isEmpty, let asked = authority.flatMap(Self.address(asked:)) { addresses = [("", asked)] }
    return addresses.map { pod, address in
      var labels: JSONValue = [
        "__meta_rollcall_source": .string(Self.controllerSource), "__metrics_path__": "/metrics",
        "__scheme__": .string(controller.settings.scheme),
      ]
      if !pod.isEmpty { labels["__meta_rollcall_pod"] = .string(pod) }
      return ["targets": [.string(address)], "labels": labels]
    }
  }

  /// An IPv6 address in its canonical form, as in EndpointSlices, so that both discoveries give a node the same `instance`.
  private static func authority(_ host: String, _ port: Int) -> String {
    host.contains(":") ? "[\(IPAddress(host)?.description ?? host)]:\(port)" : "\(host):\(port)"
  }

  /// Host and port of the request. Clients omit the port if it is 80.
  private static func address(asked authority: String) -> String? {
    [authority, authority + ":80"].first(where: isAuthority)
  }

  private static func group(_ target: Target) -> JSONValue {
    let labels: JSONValue = [
      "node": .string(target.node),
      "__meta_rollcall_node": .string(target.node),
      "__meta_rollcall_source": .string(target.source.rawValue),
      "__metrics_path__": .string(target.path),
      "__scheme__": .string(target.scheme),
    ]
    return ["targets": [.string(authority(target.address, target.port))], "labels": labels]
  }

  /// Scrapes a virtual node at the leader, or at `address` if the leader's is unknown.
  private static func redirectToController(_ group: inout JSONValue, of target: Target, orAt address: String?) {
    var labels = group["labels"] ?? [:]
    labels["__param_node"] = .string(target.node)
    labels["instance"] = .string(target.node)
    group["labels"] = labels
    if target.address.isEmpty || target.port == 0, let address { group["targets"] = [.string(address)] }
  }

  /// Scrapes a Windows node through /probe, with the node as a parameter.
  private static func redirectToProbe(_ group: inout JSONValue, at address: String, scheme: String) {
    var labels = group["labels"] ?? [:]
    labels["__param_node"] = labels["node"]
    labels["instance"] = group["targets"]?[0]
    labels["__metrics_path__"] = "/probe"
    labels["__scheme__"] = .string(scheme)
    group["labels"] = labels
    group["targets"] = [.string(address)]
  }
}
