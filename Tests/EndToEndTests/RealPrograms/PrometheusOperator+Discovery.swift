import JSON

// The part of the Prometheus Operator's configuration that decides which targets a monitor discovers: service discovery, and the rules that
// keep and drop. `job` is left unchanged, so that VictoriaMetrics names the scrape pool by it.
extension PrometheusOperator {
  /// The scrape configurations of a ServiceMonitor or PodMonitor for a Prometheus object. Source: `generateServiceMonitorConfig` and
  /// `generatePodMonitorConfig` in pkg/prometheus/promcfg.go.
  static func discovery(of monitor: JSONValue, for prometheus: JSONValue, apiServer: String) -> [JSONValue] {
    let (spec, metadata) = (monitor["spec"] ?? [:], monitor["metadata"] ?? [:])
    let isOfPods = monitor["kind"] == "PodMonitor"
    let role =
      isOfPods ? "pod" : (spec["serviceDiscoveryRole"] ?? prometheus["spec"]?["serviceDiscoveryRole"])?.string?.lowercased() ?? "endpoints"
    let namespace = metadata["namespace"]?.string ?? ""
    var discovery: JSONValue = ["role": .string(role), "api_server": .string(apiServer)]
    if let names = namespaces(
      of: spec["namespaceSelector"], own: namespace, ignored: prometheus["spec"]?["ignoreNamespaceSelectors"] == true)
    {
      discovery["namespaces"] = ["names": .array(names.map { .string($0) })]
    }
    let isByRole = spec["selectorMechanism"] == "RoleSelector"
    if isByRole {
      discovery["selectors"] = .array(
        (isOfPods ? ["pod"] : [role, "service"]).map { ["role": .string($0), "label": .string(selectorText(spec["selector"]))] })
    }
    return (spec[isOfPods ? "podMetricsEndpoints" : "endpoints"]?.array ?? []).enumerated().map { number, endpoint in
      var rules: [JSONValue] = []
      if endpoint["filterRunning"] != false {
        rules.append(["action": "drop", "source_labels": ["__meta_kubernetes_pod_phase"], "regex": "(Failed|Succeeded)"])
      }
      if !isByRole { rules += selection(spec["selector"], by: isOfPods ? "pod" : "service") }
      rules += port(of: endpoint, isOfPods: isOfPods, role: role)
      return [
        "job_name": .string("\(isOfPods ? "podMonitor" : "serviceMonitor")/\(namespace)/\(metadata["name"]?.string ?? "")/\(number)"),
        "kubernetes_sd_configs": [discovery], "relabel_configs": .array(rules), "scrape_interval": "1h",
      ]
    }
  }

  /// `nil` for all namespaces.
  private static func namespaces(of selector: JSONValue?, own: String, ignored: Bool) -> [String]? {
    if ignored { return [own] }
    if selector?["any"] == true { return nil }
    let names = (selector?["matchNames"]?.array ?? []).compactMap(\.string)
    return names.isEmpty ? [own] : names
  }

  private static func selection(_ selector: JSONValue?, by object: String) -> [JSONValue] {
    func sources(_ key: String, value: Bool) -> JSONValue {
      let name = String(key.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
      let present = "__meta_kubernetes_\(object)_labelpresent_\(name)"
      return value ? [.string("__meta_kubernetes_\(object)_label_\(name)"), .string(present)] : [.string(present)]
    }
    let labels = (selector?["matchLabels"]?.object ?? [:]).sorted { $0.key < $1.key }.map { key, value -> JSONValue in
      ["action": "keep", "source_labels": sources(key, value: true), "regex": .string("(\(value.string ?? ""));true")]
    }
    let expressions = (selector?["matchExpressions"]?.array ?? []).map { expression -> JSONValue in
      let key = expression["key"]?.string ?? ""
      let values = (expression["values"]?.array ?? []).compactMap(\.string).joined(separator: "|")
      let isPositive = expression["operator"] == "In" || expression["operator"] == "Exists"
      let hasValues = expression["operator"] == "In" || expression["operator"] == "NotIn"
      return [
        "action": isPositive ? "keep" : "drop", "source_labels": sources(key, value: hasValues),
        "regex": .string(hasValues ? "(\(values));true" : "true"),
      ]
    }
    return labels + expressions
  }

  private static func port(of endpoint: JSONValue, isOfPods: Bool, role: String) -> [JSONValue] {
    func keep(_ source: String, _ regex: String) -> [JSONValue] {
      [["action": "keep", "source_labels": [.string(source)], "regex": .string(regex)]]
    }
    let containerPort = "__meta_kubernetes_pod_container_port"
    if let port = endpoint["port"]?.string, !port.isEmpty {
      return keep(isOfPods ? "\(containerPort)_name" : "__meta_kubernetes_\(role == "endpoints" ? "endpoint" : role)_port_name", port)
    }
    for field in isOfPods ? ["portNumber", "targetPort"] : ["targetPort"] {
      if let name = endpoint[field]?.string, !name.isEmpty { return keep("\(containerPort)_name", name) }
      if let number = endpoint[field]?.integer, number != 0 { return keep("\(containerPort)_number", "\(number)") }
    }
    return []
  }

  private static func selectorText(_ selector: JSONValue?) -> String {
    let labels = (selector?["matchLabels"]?.object ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value.string ?? "")" }
    let expressions = (selector?["matchExpressions"]?.array ?? []).map { expression -> String in
      let key = expression["key"]?.string ?? ""
      let values = (expression["values"]?.array ?? []).compactMap(\.string).joined(separator: ",")
      return switch expression["operator"]?.string {
      case "In": "\(key) in (\(values))"
      case "NotIn": "\(key) notin (\(values))"
      case "Exists": key
      default: "!\(key)"
      }
    }
    return (labels + expressions).joined(separator: ",")
  }
}
