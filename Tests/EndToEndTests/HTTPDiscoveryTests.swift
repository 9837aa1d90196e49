import Foundation
import JSON
import Simulator
import TestSupport
import Testing
import YAML

/// Prometheus without the operator, configured as docs/install.md says.
@Suite(.timeLimit(.minutes(5)), .enabled(if: findProgram("prometheus") != nil, "prometheus is not installed"))
struct HTTPDiscoveryTests {
  /// Nothing listens at the node's address, so the container on it is a gap.
  private let objects: [JSONValue] = [
    [
      "apiVersion": "v1", "kind": "Node", "metadata": ["name": "w1"],
      "status": [
        "addresses": [["type": "InternalIP", "address": "127.0.0.61"]], "nodeInfo": ["operatingSystem": "linux"],
        "conditions": [["type": "Ready", "status": "True"]],
      ],
    ],
    [
      "apiVersion": "v1", "kind": "Pod", "metadata": ["name": "cart-0", "namespace": "shop", "uid": "cart"],
      "spec": ["nodeName": "w1", "containers": [["name": "cart", "image": "cart"]]],
      "status": [
        "phase": "Running",
        "containerStatuses": [
          [
            "name": "cart", "image": "cart", "imageID": "", "ready": true, "restartCount": 0,
            "containerID": .string("containerd://" + String(repeating: "ab", count: 32)),
            "state": ["running": ["startedAt": "2026-01-01T00:00:00Z"]],
          ]
        ],
      ],
    ],
  ]

  /// The `prometheus.yml` of docs/install.md, for a controller at this URL and with short intervals.
  private func configuration(_ url: String, token: String, authority: String) throws -> String {
    let text = try Repository.text("docs/install.md")
    func documented(_ start: String) throws -> String {
      try #require(text.firstRange(of: "```yaml\n" + start).map { String(text[$0.lowerBound...].dropFirst(8).prefix { $0 != "`" }) })
    }
    var block = try documented("rule_files:\n") + documented("# prometheus.yml\n")
    for (written, meant) in [
      ("- rules.yaml ", "- \(Repository.url("manifests/monitoring/rules.yaml").path) "),
      ("https://rollcall-controller.rollcall.svc:9750", url),
      ("/var/run/secrets/kubernetes.io/serviceaccount/token", token), ("/etc/prometheus/rollcall/ca.crt", authority),
      ("        tls_config: *authority\n", "        tls_config: *authority\n        refresh_interval: 1s\n"),
    ] {
      try #require(block.contains(written), "\(written)")
      block.replace(written, with: meant)
    }
    return "global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}\n" + block
  }

  @Test func `R82, R106: the documented configuration scrapes the controller, and a gap is an alert`() async throws {
    let arguments = [
      "--interval", "500ms", "--threshold", "2s", "--deadline", "500ms", "--listen-tls", "on", "--trust-loopback", "off",
    ]
    let roles = try YAMLNode.documents(parsing: Repository.text("manifests/default/access.yaml").utf8, file: "access.yaml").map(\.jsonValue)
    try await RunningController.run(objects + roles, arguments) { controller in
      let folder = try TemporaryFolder()
      controller.apiServer.setToken("its-own", .serviceAccount("prometheus-k8s", namespace: "monitoring"))
      let prometheus = try await Prometheus(
        configuration: try configuration(
          controller.url, token: try folder.write("its-own\n", to: "token"), authority: try await controller.authority(in: folder)),
        folder: folder, transport: controller.transport)
      defer { prometheus.program.stop() }
      try await eventually("the controller is scraped") { try await prometheus.query("rollcall_build_info", by: "job") == ["rollcall": 1] }
      try await eventually("the agent is a target, though it does not answer") {
        try await prometheus.query("up{job=\"rollcall-agents\"}", by: "node") == ["w1": 0]
      }
      try await eventually("the gap is an alert") {
        try await prometheus.query("ALERTS{alertstate=\"firing\",alertname=~\"Rollcall.*Uncollected\"}", by: "node") == ["w1": 1]
      }
      // While a scrape fails, this alert is pending.
      try await eventually("the controller is not absent") {
        try await prometheus.query("ALERTS{alertname=\"RollcallControllerAbsent\"}", by: "alertname").isEmpty
      }

      // The role is taken away: the next review that is not cached refuses.
      try controller.apiServer.remove("clusterrolebindings.rbac.authorization.k8s.io", name: "rollcall-scraper")
      try await eventually("the controller is scraped no longer", within: .seconds(90)) {
        try await prometheus.query("up{job=\"rollcall\"}", by: "job") == ["rollcall": 0]
      }
    }
  }
}
