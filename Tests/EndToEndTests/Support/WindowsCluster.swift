import JSON

/// A cluster of Windows nodes with loopback addresses.
enum WindowsCluster {
  static let frontend = String(repeating: "1a", count: 32)
  static let worker = String(repeating: "2b", count: 32)

  /// Runs the controller with nodes `win-1`, `win-2` … at the addresses `network.1`, `network.2` …, each with the same two containers.
  static func run(network: String, exporterPort: Int, nodes: Int, _ body: (RunningController) async throws -> Void) async throws {
    // These tests are not about roll calls.
    let arguments = ["--interval", "1h", "--threshold", "1d", "--windows-port", "\(exporterPort)"]
    try await RunningController.run((1...nodes).flatMap { objects($0, address: "\(network).\($0)") }, arguments, body)
  }

  /// The node `win-<number>` and its pods.
  static func objects(_ number: Int, address: String) -> [JSONValue] {
    let name = "win-\(number)"
    return [
      node(name, address: address), pod("frontend-0", "iis", on: name, id: "containerd://\(frontend)", number),
      pod("worker-0", "app", on: name, id: "docker://\(worker)", number),
    ]
  }

  private static func node(_ name: String, address: String) -> JSONValue {
    [
      "apiVersion": "v1", "kind": "Node", "metadata": ["name": .string(name)],
      "status": [
        "addresses": [["type": "InternalIP", "address": .string(address)]], "nodeInfo": ["operatingSystem": "windows"],
        "conditions": [["type": "Ready", "status": "True"]],
      ],
    ]
  }

  /// The namespace makes the pods of each node unique.
  private static func pod(_ name: String, _ container: String, on node: String, id: String, _ number: Int) -> JSONValue {
    [
      "apiVersion": "v1", "kind": "Pod",
      "metadata": ["namespace": .string("web-\(number)"), "name": .string(name)],
      "spec": ["nodeName": .string(node), "containers": [["name": .string(container), "image": "app"]]],
      "status": [
        "phase": "Running",
        "containerStatuses": [
          ["name": .string(container), "containerID": .string(id), "state": ["running": ["startedAt": "2026-01-01T00:00:00Z"]]]
        ],
      ],
    ]
  }
}
