import JSON

/// The Prometheus Operator's conversion of a ServiceMonitor to scrape configurations.
enum PrometheusOperator {
  /// One scrape configuration for each endpoint: the relabelling of the operator, then that of the object. Source:
  /// `generateServiceMonitorConfig` in prometheus-operator, pkg/prometheus/promcfg.go. `bodySizeLimit` is left out, because VictoriaMetrics
  /// only has a global limit.
  /// - Parameters:
  ///   - token: the file that `bearerTokenFile` names in Prometheus's container.
  ///   - authority: the file that the operator writes the `ca` of `tlsConfig` to.
  static func scrapeConfigurations(of monitor: JSONValue, apiServer: String, token: String, authority: String) -> [JSONValue] {
    let spec = monitor["spec"]
    let name = "\(monitor["metadata"]?["namespace"]?.string ?? "")/\(monitor["metadata"]?["name"]?.string ?? "")"
    return (spec?["endpoints"]?.array ?? []).enumerated().map { number, endpoint in
      var configuration: JSONValue = [
        "job_name": .string("serviceMonitor/\(name)/\(number)"),
        "kubernetes_sd_configs": [
          [
            "role": .string(spec?["serviceDiscoveryRole"]?.string?.lowercased() ?? "endpoints"), "api_server": .string(apiServer),
            "namespaces": ["names": spec?["namespaceSelector"]?["matchNames"] ?? []],
          ]
        ],
        "relabel_configs": .array(relabelling(of: endpoint, selector: spec?["selector"])),
      ]
      configuration["sample_limit"] = spec?["sampleLimit"]
      configuration["honor_labels"] = endpoint["honorLabels"]
      configuration["scrape_interval"] = endpoint["interval"]
      configuration["metrics_path"] = endpoint["path"]
      configuration["scheme"] = endpoint["scheme"]
      if endpoint["bearerTokenFile"] != nil { configuration["bearer_token_file"] = .string(token) }
      if let tls = endpoint["tlsConfig"] {
        configuration["tls_config"] = ["ca_file": .string(authority), "server_name": tls["serverName"] ?? ""]
      }
      return configuration
    }
  }

  private static func relabelling(of endpoint: JSONValue, selector: JSONValue?) -> [JSONValue] {
    var rules = (selector?["matchLabels"]?.object ?? [:]).sorted { $0.key < $1.key }.map { label, value -> JSONValue in
      let name = String(label.map { $0.isLetter || $0.isNumber ? $0 : "_" })
      let meta = "__meta_kubernetes_service_label"
      return [
        "action": "keep", "source_labels": [.string("\(meta)_\(name)"), .string("\(meta)present_\(name)")],
        "regex": .string("(\(value.string ?? ""));true"),
      ]
    }
    rules.append([
      "action": "keep", "source_labels": ["__meta_kubernetes_endpointslice_port_name"], "regex": endpoint["port"] ?? "",
    ])
    rules += ["Node", "Pod"].map { kind in
      [
        "source_labels": ["__meta_kubernetes_endpointslice_address_target_kind", "__meta_kubernetes_endpointslice_address_target_name"],
        "separator": ";", "regex": .string("\(kind);(.*)"), "replacement": "${1}", "target_label": .string(kind.lowercased()),
      ]
    }
    rules += [
      ("__meta_kubernetes_namespace", "namespace"), ("__meta_kubernetes_service_name", "service"), ("__meta_kubernetes_pod_name", "pod"),
      ("__meta_kubernetes_pod_container_name", "container"), ("__meta_kubernetes_service_name", "job"),
    ].map { source, label in ["source_labels": [.string(source)], "target_label": .string(label)] }
    rules.append(["target_label": "endpoint", "replacement": endpoint["port"] ?? ""])
    return rules + (endpoint["relabelings"]?.array ?? []).map(inConfiguration)
  }

  /// Converts a relabelling rule of a ServiceMonitor to the Prometheus configuration.
  private static func inConfiguration(_ rule: JSONValue) -> JSONValue {
    let names = ["sourceLabels": "source_labels", "targetLabel": "target_label"]
    return .object(JSONObject((rule.object ?? [:]).map { (names[$0.key] ?? $0.key, $0.value) }))
  }
}
