import Foundation
import HTTPTransport
import JSON
import TestSupport
import Testing

/// `rollcall explain` over a controller and a real Prometheus, with one Pod for each kind of broken link that they can show.
@Suite(.timeLimit(.minutes(5)), .enabled(if: findProgram("prometheus") != nil, "prometheus is not installed"))
struct ExplainTests {
  /// Each has a Pod and, except the last, a PodMonitor of its own.
  private static let names = ["scraped", "unadopted", "portless", "refused", "dropped", "sampleless", "lonely"]

  private let folder: TemporaryFolder
  private let address = OwnAddress()

  init() throws { folder = try TemporaryFolder() }

  private static func uid(_ name: String) -> String {
    "5b6f1f0a-0000-4000-8000-00000000000\(names.firstIndex(of: name) ?? 9)"
  }

  private func host(_ name: String) -> String { "\(address.network).\((Self.names.firstIndex(of: name) ?? 0) + 1)" }

  // MARK: The cluster

  private var objects: [JSONValue] {
    let node: JSONValue = [
      "apiVersion": "v1", "kind": "Node", "metadata": ["name": "worker-1", "labels": ["kubernetes.io/os": "linux"]],
      "status": [
        "addresses": [["type": "InternalIP", "address": "127.0.79.1"]], "conditions": [["type": "Ready", "status": "True"]],
        "nodeInfo": ["operatingSystem": "linux"],
      ],
    ]
    let prometheus: JSONValue = [
      "apiVersion": "monitoring.coreos.com/v1", "kind": "Prometheus", "metadata": ["namespace": "monitoring", "name": "main"],
      "spec": ["podMonitorSelector": ["matchLabels": ["release": "prom"]], "podMonitorNamespaceSelector": [:]],
    ]
    let rule: JSONValue = [
      "apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule", "metadata": ["namespace": "shop", "name": "web"],
      "spec": ["groups": [["name": "one", "rules": [["alert": "Gone", "expr": "no_such_metric > up"]]]]],
    ]
    let namespaces = ["shop", "monitoring"].map { name -> JSONValue in
      ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(name)]]
    }
    return namespaces + [node, prometheus, rule] + Self.names.map(pod) + Self.names.dropLast().map(monitor)
  }

  private func pod(_ name: String) -> JSONValue {
    [
      "apiVersion": "v1", "kind": "Pod",
      "metadata": ["namespace": "shop", "name": .string(name), "uid": .string(Self.uid(name)), "labels": ["app": .string(name)]],
      "spec": [
        "nodeName": "worker-1",
        "containers": [
          ["name": "main", "image": "app", "ports": [["name": "http", "containerPort": .integer(Int64(address.port))]]]
        ],
      ],
      "status": [
        "phase": "Running", "podIP": .string(host(name)), "podIPs": [["ip": .string(host(name))]],
        "containerStatuses": [
          [
            "name": "main", "containerID": .string("containerd://\(String(repeating: "ab", count: 32))"),
            "state": ["running": ["startedAt": "2026-01-01T00:00:00Z"]],
          ]
        ],
      ],
    ]
  }

  private func monitor(_ name: String) -> JSONValue {
    let labels: JSONValue = name == "unadopted" ? ["release": "other"] : ["release": "prom"]
    return [
      "apiVersion": "monitoring.coreos.com/v1", "kind": "PodMonitor",
      "metadata": ["namespace": "shop", "name": .string(name), "labels": labels],
      "spec": [
        "selector": ["matchLabels": ["app": .string(name)]],
        "podMetricsEndpoints": [["port": name == "portless" ? "metrics" : "http"]],
      ],
    ]
  }

  /// The configuration that the operator would make of the adopted monitors.
  private var configuration: JSONValue {
    let pools = ["scraped", "refused", "dropped", "portless", "sampleless"].map { name -> JSONValue in
      let drop: JSONValue = ["source_labels": ["__meta_kubernetes_pod_name"], "regex": "dropped", "action": "drop"]
      let labels: JSONValue = [
        "__meta_kubernetes_namespace": "shop", "__meta_kubernetes_pod_name": .string(name),
        "__meta_kubernetes_pod_uid": .string(Self.uid(name)), "__meta_kubernetes_pod_container_name": "main",
      ]
      return [
        "job_name": .string("podMonitor/shop/\(name)/0"), "relabel_configs": .array([drop] + Self.labelling),
        "metric_relabel_configs": name == "sampleless" ? [["source_labels": ["__name__"], "regex": ".*", "action": "drop"]] : [],
        "static_configs": name == "portless" ? [] : [["targets": [.string("\(host(name)):\(address.port)")], "labels": labels]],
      ]
    }
    return ["global": ["scrape_interval": "1s", "scrape_timeout": "500ms"], "scrape_configs": .array(pools)]
  }

  /// The labels that the operator gives to targets.
  private static let labelling: [JSONValue] = ["namespace", "pod_name"].map { label in
    [
      "source_labels": [.string("__meta_kubernetes_\(label)")],
      "target_label": .string(label.split(separator: "_").first.map(String.init) ?? label),
    ]
  }

  // MARK: The test

  private func explain(_ pod: String, _ controller: RunningController, _ more: String...) async throws -> (status: Int32, output: String) {
    let program = try ExternalProgram(
      try builtExecutable("rollcall"), ["explain", "pod/\(pod)", "-n", "shop", "--server", controller.url] + more,
      environment: ["KUBECONFIG": "\(folder.path)/none"], log: "\(folder.path)/\(UUID())")
    return (try await program.waitForExit(), program.output)
  }

  @Test func `R119: a Pod is explained by a real Prometheus, whichever link is broken`() async throws {
    let exporters = try ["scraped", "sampleless"].map { name in
      try ScriptedServer(on: .tcp(host: host(name), port: address.port)) { connection in
        while try connection.readRequest() != nil {
          try connection.respond(status: 200, headers: [("Content-Type", "text/plain; version=0.0.4")], body: "one 1\n")
        }
      }
    }
    defer { for exporter in exporters { exporter.stop() } }
    let prometheus = try await Prometheus(configuration: configuration.prettyText, folder: folder, transport: try .init())
    defer { prometheus.program.stop() }
    let arguments = ["--scrape-coverage", "monitored", "--scraper-url", prometheus.url, "--rules-without-data", "on"]
    try await RunningController.run(objects, arguments) { controller in
      try await eventually("the Pod is scraped", within: .seconds(120)) {
        try await explain("scraped", controller).status == 0
      }
      let scraped = try await explain("scraped", controller, "-c", "main")
      #expect(scraped.output.hasPrefix("Pod shop/scraped on node worker-1: scraped\n"), "\(scraped.output)")
      #expect(scraped.output.contains("[ok] asked       PodMonitor shop/scraped selects the Pod\n"), "\(scraped.output)")
      #expect(scraped.output.contains("[ok] loaded      scrape pool podMonitor/shop/scraped/0\n"), "\(scraped.output)")

      // The status, and what the text has in common with the chain.
      let expected: [(pod: String, reason: String, text: String)] = [
        ("unadopted", "MonitorNotAdopted", "fix: Add the label release: prom to the monitor"),
        ("portless", "PortNotFound", "no container declares the port metrics"), ("refused", "ScrapeFailing", "connection refused"),
        ("dropped", "Dropped", "relabel rule 0"), ("sampleless", "NoSamples", "metricRelabelings"),
        ("lonely", "NoMonitor", "Create a ServiceMonitor or PodMonitor"),
      ]
      for (pod, reason, text) in expected {
        var last = (status: Int32(0), output: "")
        try await eventually("\(pod): \(reason)", within: .seconds(120)) {
          last = try await explain(pod, controller)
          return last.status == 1 && last.output.contains("reason: \(reason)\n")
        }
        #expect(last.output.contains(text), "\(last.output)")
      }
      let json = try await explain("unadopted", controller, "-o", "json")
      #expect(json.status == 1)
      #expect(try JSONValue(parsing: Array(json.output.utf8))["asks"]?[0]?["reason"] == "MonitorNotAdopted")
      let nobody = try await explain("nobody", controller)
      #expect(nobody.status == 2 && nobody.output.contains("there is no Pod shop/nobody"), "\(nobody.output)")

      try await eventually("the workloads are listed", within: .seconds(120)) {
        let scrapes = try JSONValue(parsing: try await controller.get("/api/v1/scrapes?state=broken&namespace=shop"))
        return Set(scrapes["scrapes"]?.array?.compactMap { $0["reason"]?.string } ?? []).isSuperset(of: [
          "MonitorNotAdopted", "PortNotFound",
        ])
      }
      #expect(try await controller.metric("rollcall_broken_scrapes", where: "reason=\"MonitorNotAdopted\"") == 1)
      let metrics = String(decoding: try await controller.get("/metrics"), as: UTF8.self)
      #expect(metrics.contains(/\nrollcall_scraper_up{[^}]+} 1\n/), "\(metrics.matches(of: /rollcall_scraper.*/).map(\.output))")
      try await eventually("the rule without data is listed", within: .seconds(150)) {
        let rules = try JSONValue(parsing: try await controller.get("/api/v1/rules-without-data"))
        return rules["rules"]?[0]?["metrics"] == ["no_such_metric"] && rules["rules"]?[0]?["alert"] == "Gone"
      }
    }
  }
}
