import Foundation
import JSON

@testable import Simulator

/// Objects, times and stores of these tests.
enum Sample {
  /// A store with the namespace `default`, at a fixed time.
  static func store(eventHistory: Int = 100, acceptsLoopback: Bool = false) -> ObjectStore {
    ObjectStore(
      eventHistory: eventHistory, rules: ServerRules(acceptsLoopbackEndpoints: acceptsLoopback), namespaces: ["default", "other"],
      now: time)
  }

  static let time = Date(timeIntervalSince1970: 1_700_000_000)

  static func context(_ manager: String? = "tester", part: WriteContext.Part = .object, after seconds: Double = 0) -> WriteContext {
    WriteContext(now: time.addingTimeInterval(seconds), manager: manager, part: part)
  }

  /// Parses JSON.
  static func object(_ text: String) throws -> JSONValue {
    try JSONValue(parsing: text.utf8)
  }

  static func configMap(_ name: String, namespace: String = "default", labels: JSONObject = [:], data: JSONObject = [:])
    -> JSONValue
  {
    [
      "apiVersion": "v1", "kind": "ConfigMap",
      "metadata": ["name": .string(name), "namespace": .string(namespace), "labels": .object(labels)], "data": .object(data),
    ]
  }

  static func pod(_ name: String, namespace: String = "default", node: String = "node-1", phase: String = "Running") -> JSONValue {
    [
      "apiVersion": "v1", "kind": "Pod",
      "metadata": [
        "name": .string(name), "namespace": .string(namespace), "labels": ["app": "web"], "annotations": ["rollcall.dev/ignore": "true"],
        "ownerReferences": [["apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "1234", "controller": true]],
      ],
      "spec": [
        "nodeName": .string(node), "hostNetwork": true,
        "containers": [["name": "main", "image": "nginx:1", "securityContext": ["windowsOptions": ["hostProcess": true]]]],
        "initContainers": [["name": "first", "image": "busybox"]],
      ],
      "status": [
        "phase": .string(phase), "podIP": "10.0.0.7", "podIPs": [["ip": "10.0.0.7"], ["ip": "fd00::7"]],
        "containerStatuses": [
          [
            "name": "main", "ready": true, "restartCount": 3, "image": "nginx:1", "imageID": "sha256:1", "containerID": "containerd://abc",
            "state": ["running": ["startedAt": "2023-11-14T22:00:00Z"]],
          ]
        ],
        "initContainerStatuses": [
          [
            "name": "first", "ready": false, "restartCount": 0, "image": "busybox", "imageID": "", "containerID": "containerd://def",
            "state": ["terminated": ["exitCode": 0, "reason": "Completed"]],
          ]
        ],
      ],
    ]
  }

  static func node(_ name: String) -> JSONValue {
    [
      "apiVersion": "v1", "kind": "Node",
      "metadata": [
        "name": .string(name), "labels": ["kubernetes.io/os": "linux", "node-role.kubernetes.io/control-plane": ""],
      ],
      "status": [
        "addresses": [["type": "InternalIP", "address": "10.1.1.1"], ["type": "Hostname", "address": .string(name)]],
        "capacity": ["cpu": "4", "memory": "16Gi"],
        "conditions": [["type": "Ready", "status": "True", "reason": "KubeletReady", "lastHeartbeatTime": "2023-11-14T22:00:00Z"]],
        "daemonEndpoints": ["kubeletEndpoint": ["Port": 10_250]],
        "nodeInfo": [
          "operatingSystem": "linux", "kubeletVersion": "v1.32.1", "osImage": "Debian", "kernelVersion": "6.1",
          "containerRuntimeVersion": "containerd://1.7",
        ],
      ],
    ]
  }

  static func slice(_ name: String, addresses: [String], type: String = "IPv4") -> JSONValue {
    [
      "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
      "metadata": ["name": .string(name), "namespace": "default", "labels": ["kubernetes.io/service-name": "web"]],
      "addressType": .string(type), "endpoints": .array(addresses.map { ["addresses": [.string($0)]] }),
      "ports": [["name": "http", "port": 80]],
    ]
  }
}
