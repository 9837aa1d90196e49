import Foundation
import JSON

/// A pod on the node of `LinuxCluster`.
struct TestPod {
  static let running: JSONValue = ["running": ["startedAt": "2026-01-01T00:00:00Z"]]
  static let finished: JSONValue = ["terminated": ["exitCode": 0, "reason": "Completed"]]

  var name: String
  let uid = UUID().uuidString.lowercased()
  var container = "server"
  var hostNetwork = false

  /// The API object.
  /// - Parameter sidecars: the IDs of other running containers, by name.
  func object(
    containerID: String, sidecars: [String: String] = [:], state: JSONValue = running, phase: String = "Running"
  ) -> JSONValue {
    let others = sidecars.sorted { $0.key < $1.key }
    let statuses = [Self.status(container, containerID, state)] + others.map { Self.status($0.key, $0.value, Self.running) }
    return [
      "apiVersion": "v1", "kind": "Pod",
      "metadata": ["namespace": "default", "name": .string(name), "uid": .string(uid)],
      "spec": [
        "nodeName": .string(LinuxCluster.node), "hostNetwork": .bool(hostNetwork),
        "containers": .array([Self.specification(container)] + others.map { Self.specification($0.key) }),
      ],
      "status": [
        "phase": .string(phase),
        "containerStatuses": .array(statuses),
      ],
    ]
  }

  private static func specification(_ name: String) -> JSONValue {
    ["name": .string(name), "image": .string(Containerd.image)]
  }

  private static func status(_ name: String, _ id: String, _ state: JSONValue) -> JSONValue {
    ["name": .string(name), "containerID": .string("containerd://\(id)"), "state": state]
  }
}
