import JSON

/// The API objects of virtual nodes and their pods.
enum VirtualNodeObjects {
  static func node(_ name: String) -> JSONValue {
    [
      "apiVersion": "v1", "kind": "Node", "metadata": ["name": .string(name), "labels": ["type": "virtual-kubelet"]],
      "status": ["conditions": [["type": "Ready", "status": "True"]], "nodeInfo": ["operatingSystem": "linux"]],
    ]
  }

  /// A pod in the namespace `shop` with one container, `app`.
  /// - Parameter cadvisor: the annotation `rollcall.dev/cadvisor`, such as `http://:8080/metrics/cadvisor`.
  static func pod(_ name: String, on node: String, ip: String, cadvisor: String, phase: String = "Running") -> JSONValue {
    let state: JSONValue =
      switch phase {
      case "Running": ["running": ["startedAt": "2024-01-01T00:00:00Z"]]
      case "Pending": ["waiting": ["reason": "ContainerCreating"]]
      default: ["terminated": ["exitCode": phase == "Succeeded" ? 0 : 1]]
      }
    return [
      "apiVersion": "v1", "kind": "Pod",
      "metadata": ["namespace": "shop", "name": .string(name), "annotations": ["rollcall.dev/cadvisor": .string(cadvisor)]],
      "spec": ["nodeName": .string(node), "containers": [["name": "app", "image": "app"]]],
      "status": [
        "phase": .string(phase), "podIP": .string(ip), "podIPs": [["ip": .string(ip)]],
        "containerStatuses": [["name": "app", "image": "registry.example/app:1", "state": state]],
      ],
    ]
  }
}
