import Foundation
import JSON
import TestSupport
import Testing

/// Prometheus without the operator, configured as the README says.
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

  /// The README's `prometheus.yml`, for a controller at this URL and with short intervals.
  private func configuration(_ url: String) throws -> String {
    let start = "```yaml\n# prometheus.yml\n"
    let text = try Repository.text("README.md")
    let block = try #require(text.firstRange(of: start).map { text[$0.upperBound...].prefix { $0 != "`" } })
    try #require(block.contains("- rules.yaml ") && block.contains("http://rollcall-controller.rollcall.svc:9750/sd/v1/targets\n"))
    return "global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}\n"
      + block.replacing("- rules.yaml ", with: "- \(Repository.url("manifests/monitoring/rules.yaml").path) ")
      .replacing(
        "http://rollcall-controller.rollcall.svc:9750/sd/v1/targets\n", with: "\(url)/sd/v1/targets\n        refresh_interval: 1s\n")
  }

  @Test func `R82: the configuration of the README scrapes the controller, and a gap is an alert`() async throws {
    let arguments = ["--interval", "500ms", "--threshold", "2s", "--deadline", "500ms"]
    try await RunningController.run(objects, arguments) { controller in
      let folder = try TemporaryFolder()
      let prometheus = try await Prometheus(
        configuration: try configuration(controller.url), folder: folder, transport: controller.transport)
      defer { prometheus.program.stop() }
      try await eventually("the controller is scraped") { try await prometheus.query("rollcall_build_info", by: "job") == ["rollcall": 1] }
      try await eventually("the gap is an alert") {
        try await prometheus.query("ALERTS{alertstate=\"firing\",alertname=~\"Rollcall.*Uncollected\"}", by: "node") == ["w1": 1]
      }
      // While a scrape fails, this alert is pending.
      try await eventually("the controller is not absent") {
        try await prometheus.query("ALERTS{alertname=\"RollcallControllerAbsent\"}", by: "alertname").isEmpty
      }
    }
  }
}
