import JSON
import Simulator
import TestSupport
import Testing
import YAML

/// VictoriaMetrics discovers the targets of two nodes of each source through the API server, from the objects that the controller writes
/// for the Prometheus Operator, and scrapes the controller with the token and the authority that they name.
@Suite(
  .serialized, .timeLimit(.minutes(5)),
  .enabled(if: Nginx.isInstalled && VictoriaMetrics.isInstalled, "nginx or victoria-metrics is not installed"))
struct TargetDiscoveryTests {
  private static let numbers = [1, 2]

  /// nginx as the agents and the exporters of all nodes, and as the pods of the virtual nodes.
  private static func endpoints() async throws -> Nginx {
    try await Nginx(
      files: [
        "linux-1/metrics": agentMetrics(1), "linux-2/metrics": agentMetrics(2),
        "windows/metrics": windowsPage(version: "0.20", frontend: WindowsCluster.frontend, worker: WindowsCluster.worker),
        "pods/1/metrics/cadvisor": podMetrics(1), "pods/2/metrics/cadvisor": podMetrics(2),
      ],
      servers: """
        server { listen $network.1:$port; listen $network.2:$port; root $folder/windows; }
        server { listen $network.11:$port; root $folder/linux-1; }
        server { listen $network.12:$port; root $folder/linux-2; }
        server { listen $network.20:$port; root $folder/pods; }
        """)
  }

  private static func agentMetrics(_ number: Int) -> String {
    "rollcall_pod_sockstat_tcp_inuse{namespace=\"shop\",pod=\"web-\(number)\",node=\"linux-\(number)\"} \(number)\n"
  }

  private static func podMetrics(_ number: Int) -> String {
    "container_memory_rss{container=\"app\",id=\"/app\"} \(number)\n"
  }

  private static func cluster(_ nginx: Nginx) -> [JSONValue] {
    numbers.flatMap { number in
      WindowsCluster.objects(number, address: "\(nginx.network).\(number)") + [
        linuxNode("linux-\(number)", address: "\(nginx.network).\(10 + number)"), VirtualNodeObjects.node("virtual-\(number)"),
        VirtualNodeObjects.pod(
          "pod-\(number)", on: "virtual-\(number)", ip: "\(nginx.network).20",
          cadvisor: "http://:\(nginx.port)/\(number)/metrics/cadvisor"),
      ]
    }
  }

  private static func linuxNode(_ name: String, address: String) -> JSONValue {
    [
      "apiVersion": "v1", "kind": "Node", "metadata": ["name": .string(name)],
      "status": [
        "addresses": [["type": "InternalIP", "address": .string(address)]], "nodeInfo": ["operatingSystem": "linux"],
        "conditions": [["type": "Ready", "status": "True"]],
      ],
    ]
  }

  @Test func `R106: ServiceMonitors and EndpointSlices make each node one target with its own series until the node is deleted`()
    async throws
  {
    let nginx = try await Self.endpoints()
    let settings = [
      "--interval", "1s", "--service-monitors", "on", "--agent-metrics-port", "\(nginx.port)", "--windows-port", "\(nginx.port)",
      "--service-monitor-sample-limit", "1000", "--listen-tls", "on", "--trust-loopback", "off",
    ]
    let roles = try YAMLNode.documents(parsing: Repository.text("manifests/default/access.yaml").utf8, file: "access.yaml").map(\.jsonValue)
    try await RunningController.run(Self.cluster(nginx) + roles, settings) { controller in
      controller.apiServer.setToken("its-own", .serviceAccount("prometheus-k8s", namespace: "monitoring"))
      let secrets = try TemporaryFolder()
      let configurations = try await Self.scrapeConfigurations(
        controller, token: try secrets.write("its-own", to: "token"), authority: try await controller.authority(in: secrets))
      #expect(configurations.allSatisfy { $0["sample_limit"] == 1000 })
      let folder = try TemporaryFolder()
      let victoria = try await VictoriaMetrics(scrapeConfigurations: configurations, folder: folder, transport: controller.transport)
      defer { victoria.program.stop() }
      func urls(_ numbers: [Int]) -> [String] {
        numbers.flatMap { number in
          [
            "http://\(nginx.network).\(10 + number):\(nginx.port)/metrics", "\(controller.url)/metrics/cadvisor?node=virtual-\(number)",
            "\(controller.url)/probe?node=win-\(number)",
          ]
        }.sorted()
      }

      try await eventually("each node is one target") { try await victoria.scrapedURLs() == urls(Self.numbers) }
      try await eventually("each target is up, with its job and instance") {
        try await victoria.query("label_join(up, \"target\", \" \", \"job\", \"instance\", \"node\")", by: "target") == [
          "rollcall-linux \(nginx.network).11:\(nginx.port) linux-1": 1, "rollcall-linux \(nginx.network).12:\(nginx.port) linux-2": 1,
          "rollcall-windows \(nginx.network).1:\(nginx.port) win-1": 1, "rollcall-windows \(nginx.network).2:\(nginx.port) win-2": 1,
          "rollcall-virtual virtual-1 virtual-1": 1, "rollcall-virtual virtual-2 virtual-2": 1,
        ]
      }
      // The origin of each sample: job, node and pod.
      func origins(_ series: String) async throws -> [String: Double] {
        try await victoria.query("label_join(\(series), \"origin\", \" \", \"job\", \"node\", \"namespace\", \"pod\")", by: "origin")
      }
      #expect(
        try await origins("container_memory_rss") == [
          "rollcall-virtual virtual-1 shop pod-1": 1, "rollcall-virtual virtual-2 shop pod-2": 2,
        ])
      #expect(
        try await origins("rollcall_pod_sockstat_tcp_inuse") == [
          "rollcall-linux linux-1 shop web-1": 1, "rollcall-linux linux-2 shop web-2": 2,
        ])
      #expect(
        try await origins("windows_container_available") == [
          "rollcall-windows win-1 web-1 frontend-0": 1, "rollcall-windows win-1 web-1 worker-0": 1,
          "rollcall-windows win-2 web-2 frontend-0": 1, "rollcall-windows win-2 web-2 worker-0": 1,
        ])
      // No label of our Service is added to the samples or replaces theirs.
      for label in ["exported_namespace", "exported_pod", "exported_node", "service", "endpoint"] {
        #expect(try await victoria.query("{\(label)!=\"\"}", by: label).isEmpty, "\(label)")
      }
      #expect(try await victoria.query("windows_service_info{namespace!=\"\"}", by: "node").isEmpty)

      for node in ["linux-2", "virtual-2", "win-2"] { try controller.apiServer.remove("nodes", name: node) }
      try await eventually("deleted nodes are no longer targets") { try await victoria.scrapedURLs() == urls([1]) }
      try await eventually("their series have ended") {
        try await victoria.query("up", by: "node") == ["linux-1": 1, "win-1": 1, "virtual-1": 1]
      }
    }
  }

  /// The scrape configurations of the controller's ServiceMonitors.
  private static func scrapeConfigurations(
    _ controller: RunningController, token: String, authority: String
  ) async throws -> [JSONValue] {
    var monitors: [JSONValue] = []
    try await eventually("a ServiceMonitor for each source") {
      monitors = try controller.apiServer.list("servicemonitors.monitoring.coreos.com", namespace: "rollcall")
      return monitors.count == 3
    }
    return monitors.flatMap {
      PrometheusOperator.scrapeConfigurations(of: $0, apiServer: controller.apiServer.url, token: token, authority: authority)
    }
  }
}
