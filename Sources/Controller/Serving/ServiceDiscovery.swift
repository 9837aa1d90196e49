internal import HTTPTypes
internal import JSON
import Roll

/// Targets in Prometheus's HTTP service discovery format.
/// Format: https://prometheus.io/docs/prometheus/latest/http_sd/
struct ServiceDiscovery {
  private let view: ControllerView

  init(_ view: ControllerView) {
    self.view = view
  }

  /// Answers 503 until the caches are in sync: Prometheus keeps its old list then, while an empty one would drop every target (R36).
  func answer(source text: String?) -> Answer {
    var wanted: Source?
    if let text {
      guard let source = Source(rawValue: text) else {
        return .problem(.badRequest, "source \"\(text)\" is not one of \(Source.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      wanted = source
    }
    guard let targets = view.targets() else {
      return .problem(.serviceUnavailable, "the lists of nodes and pods are not complete yet; see /readyz")
    }
    let published = DiscoverableTargets(targets, allowsLoopback: view.settings.allowsLoopbackTargets).targets
    return .json(.array(published.filter { wanted == nil || $0.source == wanted }.map(Self.group)))
  }

  private static func group(_ target: Target) -> JSONValue {
    let host = target.address.contains(":") ? "[\(target.address)]" : target.address
    var labels: JSONValue = [
      "node": .string(target.node),
      "__meta_rollcall_node": .string(target.node),
      "__meta_rollcall_source": .string(target.source.rawValue),
      "__metrics_path__": .string(target.path),
      "__scheme__": .string(target.scheme),
    ]
    if let pod = target.pod {
      labels["namespace"] = .string(pod.namespace)
      labels["pod"] = .string(pod.name)
    }
    return ["targets": [.string("\(host):\(target.port)")], "labels": labels]
  }
}
