import JSON
import Logging
import Simulator

@testable import KubeClient

/// Runs `body` with a simulated API server.
func withSimulator(
  _ configuration: SimulatorConfiguration = SimulatorConfiguration(),
  _ body: @Sendable (SimulatedAPIServer, KubeClient) async throws -> Void
) async throws {
  let quiet = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
  let server = SimulatedAPIServer(configuration: configuration, logger: quiet)
  try await withThrowingTaskGroup(of: Void.self) { group in
    group.addTask { try await server.run() }
    try await server.waitUntilListening()
    try await body(server, try plainHTTPClient(of: server.url))
    group.cancelAll()
  }
}

extension JSONValue {
  static func node(_ name: String) -> JSONValue {
    [
      "apiVersion": "v1", "kind": "Node", "metadata": ["name": .string(name), "labels": ["kubernetes.io/os": "linux"]],
      "status": [
        "addresses": [["type": "InternalIP", "address": "10.0.0.1"]], "conditions": [["type": "Ready", "status": "True"]],
        "daemonEndpoints": ["kubeletEndpoint": ["Port": 10250]], "nodeInfo": ["operatingSystem": "linux"],
      ],
    ]
  }

  static func pod(_ name: String, on node: String) -> JSONValue {
    [
      "apiVersion": "v1", "kind": "Pod",
      "metadata": ["name": .string(name), "namespace": "shop", "annotations": ["rollcall.dev/ignore": "true", "other": "x"]],
      "spec": ["nodeName": .string(node), "containers": [["name": "app", "image": "app"]]],
      "status": [
        "phase": "Running", "podIPs": [["ip": "10.1.0.9"]],
        "containerStatuses": [
          ["name": "app", "containerID": "containerd://abc", "state": ["running": ["startedAt": "2026-03-01T12:00:00Z"]]]
        ],
      ],
    ]
  }
}
