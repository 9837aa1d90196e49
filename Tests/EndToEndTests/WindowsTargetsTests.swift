import Foundation
import JSON
import Simulator
import TestSupport
import Testing
import YAML

/// What the controller writes for Prometheus Operator, and what docs/windows.md says about forwarding, in a real Prometheus. The operator is not
/// here: what it makes of the objects is written down in this file.
@Suite(
  .serialized, .timeLimit(.minutes(5)),
  .enabled(if: Nginx.isInstalled && findProgram("prometheus") != nil, "nginx or prometheus is not installed"))
struct WindowsTargetsTests {
  /// One of each set that is forwarded.
  private static let ofTheNode = [
    "windows_cpu_time_total", "windows_logical_disk_free_bytes", "windows_memory_available_bytes", "windows_net_bytes_total",
    "windows_os_info", "windows_system_threads",
  ]

  private static func exporters() async throws -> Nginx {
    try await Nginx(
      files: [
        "metrics": windowsPage(version: "0.20", frontend: WindowsStage.frontend, worker: WindowsStage.worker)
          + (ofTheNode + ["windows_service_state"]).map { "\($0) 1\n" }.joined()
      ],
      servers: "server { listen $network.1:$port; root $folder; } server { listen $network.2:$port; root $folder; }")
  }

  @Test("the ServiceMonitor and the EndpointSlices lead Prometheus through the proxy to each node")
  func theServiceMonitorsRelabelling() async throws {
    let nginx = try await Self.exporters()
    try await WindowsStage.run(network: nginx.network, exporterPort: nginx.port, nodes: 2) { stage in
      try await eventually("two endpoints are published") { try Self.targets(stage.apiServer).count == 2 }
      let monitor = try #require(
        stage.apiServer.get("servicemonitors.monitoring.coreos.com", namespace: "rollcall", name: "rollcall-windows"))
      let folder = try TemporaryFolder()
      let targets = try folder.write(text(.array(try Self.targets(stage.apiServer))), to: "targets.json")
      let configuration = Self.configuration(try #require(monitor["spec"]?["endpoints"]?[0]), targets: targets)
      let prometheus = try await Prometheus(configuration: text(configuration), folder: folder, transport: stage.transport)
      defer { prometheus.program.stop() }

      try await eventually("both nodes are up") { try await prometheus.query("up", by: "node") == ["win-1": 1, "win-2": 1] }
      #expect(
        try await prometheus.query("up", by: "instance") == ["\(nginx.network).1:\(nginx.port)": 1, "\(nginx.network).2:\(nginx.port)": 1])
      #expect(try await prometheus.query("up", by: "job") == ["rollcall-windows": 1])
      // The names on the samples are the containers' own, and no label of our Service stands beside or instead of them.
      for (node, namespace) in [("win-1", "web-1"), ("win-2", "web-2")] {
        let available = "windows_container_available{node=\"\(node)\"}"
        #expect(try await prometheus.query(available, by: "pod") == ["frontend-0": 1, "worker-0": 1])
        #expect(try await prometheus.query(available, by: "namespace") == [namespace: 1])
      }
      for label in ["exported_namespace", "exported_node", "service", "endpoint"] {
        #expect(try await prometheus.query("{\(label)!=\"\"}", by: label).isEmpty, "\(label)")
      }
      #expect(try await prometheus.query("windows_service_info{namespace!=\"\"}", by: "node").isEmpty)
    }
  }

  @Test("what docs/windows.md forwards arrives at another Prometheus, and nothing else does") func forwarding() async throws {
    let nginx = try await Self.exporters()
    try await WindowsStage.run(network: nginx.network, exporterPort: nginx.port, nodes: 1) { stage in
      let folders = [try TemporaryFolder(), try TemporaryFolder()]
      let receiver = try await Prometheus(receivingAt: try freePort(), folder: folders[1], transport: stage.transport)
      defer { receiver.program.stop() }
      let sender = try await Prometheus(
        configuration: """
          global: {scrape_interval: 1s, scrape_timeout: 1s}
          scrape_configs:
            - job_name: windows
              honor_labels: true
              http_sd_configs: [{url: "\(stage.url)/sd/v1/targets?source=windows", refresh_interval: 1s}]
            - job_name: nginx
              static_configs: [{targets: ["\(nginx.host):\(nginx.port)"]}]
          \(try Self.documentedForwarding().replacing("https://metrics.example.com/api/v1/write", with: receiver.writeURL))
          """, folder: folders[0], transport: stage.transport)
      defer { sender.program.stop() }
      try await eventually("containers have arrived by name") {
        try await receiver.query("windows_container_cpu_usage_seconds_total{node=\"win-1\"}", by: "pod").count == 2
      }
      try await eventually("that the node is up has arrived") { try await receiver.query("up{node=\"win-1\"}", by: "node") == ["win-1": 1] }
      try await eventually("the sender has all of it") { try await !sender.query("windows_service_state", by: "node").isEmpty }
      let arrived = Set(try await receiver.query("{__name__=~\".+\"}", by: "__name__").keys)
      #expect(arrived.contains("windows_container_network_receive_bytes_total"))
      #expect(arrived.filter { !$0.hasPrefix("windows_container_") } == Set(Self.ofTheNode + ["up"]))
    }
  }

  // MARK: Steps

  /// The block of the document that begins with `remote_write:`.
  private static func documentedForwarding() throws -> String {
    let document = try String(contentsOfFile: "\(projectRoot)/docs/windows.md", encoding: .utf8)
    let block = try #require(document.split(separator: "```yaml\n").first { $0.hasPrefix("remote_write:") })
    return String(try #require(block.split(separator: "```").first))
  }

  private static let projectRoot = #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" }

  /// The endpoints of our slices with the labels that Prometheus's own discovery gives them.
  private static func targets(_ server: SimulatedAPIServer) throws -> [JSONValue] {
    try server.list("endpointslices.discovery.k8s.io", namespace: "rollcall").flatMap { slice -> [JSONValue] in
      guard slice["metadata"]?["labels"]?["rollcall.dev/source"] == "windows", let port = slice["ports"]?[0] else { return [] }
      let number = port["port"]?.number.map { Int($0) } ?? 0
      return (slice["endpoints"]?.array ?? []).map { endpoint in
        let meta = "__meta_kubernetes_endpointslice"
        let labels: [String: JSONValue?] = [
          "__meta_kubernetes_namespace": "rollcall", "__meta_kubernetes_service_name": "rollcall-windows",
          "\(meta)_port_name": port["name"], "\(meta)_address_target_kind": endpoint["targetRef"]?["kind"],
          "\(meta)_address_target_name": endpoint["targetRef"]?["name"], "\(meta)_endpoint_node_name": endpoint["nodeName"],
        ]
        return [
          "targets": [.string("\(endpoint["addresses"]?[0]?.string ?? ""):\(number)")], "labels": .object(labels.compactMapValues(\.self)),
        ]
      }
    }
  }

  /// What the operator makes of an endpoint of a ServiceMonitor: its own relabelling first, then that of the object.
  /// Source: prometheus-operator, pkg/prometheus/promcfg.go.
  private static func configuration(_ endpoint: JSONValue, targets: String) -> JSONValue {
    func taking(_ source: String, into label: String) -> JSONValue { ["source_labels": [.string(source)], "target_label": .string(label)] }
    var relabelling: [JSONValue] = ["Node", "Pod"].map { kind in
      [
        "source_labels": ["__meta_kubernetes_endpointslice_address_target_kind", "__meta_kubernetes_endpointslice_address_target_name"],
        "separator": ";", "regex": .string("\(kind);(.*)"), "replacement": "${1}", "target_label": .string(kind.lowercased()),
      ]
    }
    relabelling += [
      taking("__meta_kubernetes_namespace", into: "namespace"), taking("__meta_kubernetes_service_name", into: "service"),
      taking("__meta_kubernetes_service_name", into: "job"),
      ["target_label": "endpoint", "replacement": endpoint["port"] ?? ""],
    ]
    let names = ["sourceLabels": "source_labels", "targetLabel": "target_label"]
    relabelling += (endpoint["relabelings"]?.array ?? []).map { rule in
      .object(Dictionary(uniqueKeysWithValues: (rule.object ?? [:]).map { (names[$0.key] ?? $0.key, $0.value) }))
    }
    return [
      "global": ["scrape_interval": "1s", "scrape_timeout": "1s"],
      "scrape_configs": [
        [
          "job_name": "operator", "honor_labels": endpoint["honorLabels"] ?? false, "metrics_path": endpoint["path"] ?? "",
          "scheme": endpoint["scheme"] ?? "", "file_sd_configs": [["files": [.string(targets)]]], "relabel_configs": .array(relabelling),
        ]
      ],
    ]
  }
}

private func text(_ value: JSONValue) -> String {
  String(decoding: value.bytes, as: UTF8.self)
}
