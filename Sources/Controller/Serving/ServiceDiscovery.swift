internal import HTTPTypes
internal import JSON
internal import Primitives
import Roll

/// Targets in Prometheus's HTTP service discovery format.
/// Format: https://prometheus.io/docs/prometheus/latest/http_sd/
struct ServiceDiscovery {
  private let controller: ControllerStatus

  init(_ controller: ControllerStatus) {
    self.controller = controller
  }

  /// Responds 503 until the caches are in sync: Prometheus then keeps its old targets, while an empty list would drop them (R36).
  /// - Parameter authority: host and port of the request, at which Prometheus reaches us.
  func response(source text: String?, authority: String?) -> ServerResponse {
    var wanted: Source?
    if let text {
      guard let source = Source(rawValue: text) else {
        return .problem(.badRequest, "source \"\(text)\" is not one of \(Source.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      wanted = source
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
    return .json(
      .array(
        published.filter { wanted == nil || $0.source == wanted }.map { target in
          var group = Self.group(target)
          if target.source == .virtual { Self.redirectToController(&group, of: target, orAt: probeAddress) }
          if isProxied, target.source == .windows, let probeAddress { Self.redirectToProbe(&group, at: probeAddress) }
          return group
        }))
  }

  /// Host and port of the request. Clients omit the port if it is 80.
  private static func address(asked authority: String) -> String? {
    [authority, authority + ":80"].first(where: isAuthority)
  }

  private static func group(_ target: Target) -> JSONValue {
    let host = target.address.contains(":") ? "[\(target.address)]" : target.address
    let labels: JSONValue = [
      "node": .string(target.node),
      "__meta_rollcall_node": .string(target.node),
      "__meta_rollcall_source": .string(target.source.rawValue),
      "__metrics_path__": .string(target.path),
      "__scheme__": .string(target.scheme),
    ]
    return ["targets": [.string("\(host):\(target.port)")], "labels": labels]
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
  private static func redirectToProbe(_ group: inout JSONValue, at address: String) {
    var labels = group["labels"] ?? [:]
    labels["__param_node"] = labels["node"]
    labels["instance"] = group["targets"]?[0]
    labels["__metrics_path__"] = "/probe"
    labels["__scheme__"] = "http"
    group["labels"] = labels
    group["targets"] = [.string(address)]
  }
}
