import JSON

/// The template of the nodes of a population: a Windows node, or a Linux node of the same size.
enum NodeTemplate {
  /// - Parameter isIPv6First: puts an IPv6 address, at which nothing listens, before the node's IPv4 address.
  static func object(created: String, isIPv6First: Bool, operatingSystem: String) -> JSONValue {
    let os: JSONValue = .string(operatingSystem)
    let name: JSONValue = .string("worker-\(PatternField.node.placeholder)")
    let addresses = (isIPv6First ? ["2001:db8::"] : []) + [""]
    return [
      "metadata": [
        "name": name, "uid": .string(PatternField.uid.placeholder), "resourceVersion": .string(PatternField.version.placeholder),
        "creationTimestamp": .string(created),
        "labels": [
          "kubernetes.io/hostname": name, "kubernetes.io/os": os, "kubernetes.io/arch": "amd64",
          "beta.kubernetes.io/os": os, "beta.kubernetes.io/arch": "amd64", "node.kubernetes.io/instance-type": "standard-8",
          "node.kubernetes.io/windows-build": "10.0.20348", "topology.kubernetes.io/region": "region-1",
          "topology.kubernetes.io/zone": "region-1a",
        ],
        "annotations": ["node.alpha.kubernetes.io/ttl": "0", "volumes.kubernetes.io/controller-managed-attach-detach": "true"],
      ],
      "spec": [
        "podCIDR": "10.244.0.0/24", "podCIDRs": ["10.244.0.0/24"], "providerID": .string("example:///region-1a/\(name.string ?? "")"),
      ],
      "status": [
        "capacity": resources, "allocatable": resources,
        "addresses": .array(
          addresses.map { ["type": "InternalIP", "address": .string($0 + PatternField.nodeAddress.placeholder)] }
            + [["type": "Hostname", "address": name]]),
        "conditions": .array(conditions(at: created)),
        "daemonEndpoints": ["kubeletEndpoint": ["Port": 10_250]],
        "nodeInfo": [
          "machineID": name, "systemUUID": .string(PatternField.uid.placeholder), "bootID": "7", "kernelVersion": "10.0.20348.2402",
          "osImage": "Windows Server 2022 Datacenter", "containerRuntimeVersion": "containerd://1.7.20", "kubeletVersion": "v1.32.4",
          "kubeProxyVersion": "v1.32.4", "operatingSystem": os, "architecture": "amd64",
        ],
        "images": .array(
          (0..<25).map { number in
            [
              "names": [
                .string("registry.example.com/team/image-\(number)@sha256:\(String(repeating: "5c", count: 32))"),
                .string("registry.example.com/team/image-\(number):2026.\(number)"),
              ],
              "sizeBytes": .integer(100_000_000 + Int64(number)),
            ]
          }),
      ],
    ]
  }

  private static let resources: JSONValue = [
    "cpu": "8", "memory": "33554432Ki", "pods": "110", "ephemeral-storage": "133703660Ki", "hugepages-2Mi": "0",
  ]

  private static func conditions(at time: String) -> [JSONValue] {
    [
      ("MemoryPressure", "False", "KubeletHasSufficientMemory"), ("DiskPressure", "False", "KubeletHasNoDiskPressure"),
      ("PIDPressure", "False", "KubeletHasSufficientPID"), ("Ready", "True", "KubeletReady"),
    ].map { type, status, reason in
      [
        "type": .string(type), "status": .string(status), "reason": .string(reason), "message": "kubelet is posting its status",
        "lastHeartbeatTime": .string(time), "lastTransitionTime": .string(time),
      ]
    }
  }
}
