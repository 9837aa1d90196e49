internal import KubeClient
internal import Primitives

/// The labels of an expected target before relabelling, as far as our records have them: not the annotations, the images and the Node's labels.
///
/// Source: discovery/kubernetes in Prometheus; `PopulateLabels` in scrape/target.go for `job`.
struct DiscoveredLabels {
  let pod: PodRecord
  let container: String?
  let target: ExpectedTarget
  let role: DiscoveryRole
  /// For the roles that look at endpoints.
  let service: ServiceRecord?
  let pool: String

  var dictionary: [String: String] {
    var labels = ["__address__": target.hostAndPort, "__scheme__": "http", "__metrics_path__": "/metrics", "job": pool]
    func set(_ name: String, _ value: String?) {
      if let value { labels["__meta_kubernetes_\(name)"] = value }
    }
    let facts = pod.scrapeFacts
    let declaring = facts.containers.last { $0.name == container }
    let port = target.port.flatMap { number in declaring?.ports.first { $0.number == number } }
    set("namespace", pod.namespace)
    set("pod_name", pod.name)
    set("pod_uid", pod.uid)
    set("pod_ip", pod.podIPs.first)
    set("pod_node_name", pod.nodeName)
    set("pod_phase", pod.phase)
    set("pod_container_name", container)
    if let declaring { set("pod_container_init", "\(declaring.isInit)") }
    if let port {
      set("pod_container_port_name", port.name)
      set("pod_container_port_number", "\(port.number)")
      set("pod_container_port_protocol", "TCP")
    }
    for (key, value) in facts.labels { add("pod", key, value, to: &labels) }
    guard role != .pod, let service else { return labels }

    set("service_name", service.key.name)
    for (key, value) in service.labels { add("service", key, value, to: &labels) }
    let kind = role == .endpoints ? "endpoint" : "endpointslice"
    set("\(kind)_address_target_kind", "Pod")
    set("\(kind)_address_target_name", pod.name)
    set("\(kind)_port_name", target.portName)
    set("\(kind)_port_protocol", "TCP")
    if role == .endpoints { set("endpoints_name", service.key.name) }
    return labels
  }

  private func add(_ object: String, _ key: String, _ value: String, to labels: inout [String: String]) {
    let name = String(decoding: key.utf8.map(sanitized), as: UTF8.self)
    labels["__meta_kubernetes_\(object)_label_\(name)"] = value
    labels["__meta_kubernetes_\(object)_labelpresent_\(name)"] = "true"
  }
}
