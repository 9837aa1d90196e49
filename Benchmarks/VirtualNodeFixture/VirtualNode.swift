package import Collector
package import Roll

extension NodeRoll {
  /// The roll of a virtual node whose pods serve the files of hack/make-cadvisor-metrics: four containers in each, two of them on the roll.
  package static func virtualNode(pods: Int) -> NodeRoll {
    let entries = (0..<pods).flatMap { number in
      ["log", "web"].map { container in
        RollEntry(
          reference: ContainerReference(namespace: "shop-\(number % 37)", pod: "web-\(number)", container: container), podUID: "\(number)",
          containerID: "", hostNetwork: false, podIP: "127.1.\(number / 250).\(number % 250 + 1)")
      }
    }
    return NodeRoll(node: "virtual-1", source: .virtual, address: "127.0.0.1", nodeReady: true, entries: entries, exempt: [], hash: "")
  }
}

extension VirtualSettings {
  /// Settings that accept old samples: nginx serves files whose timestamps are those of their creation.
  package static func benchmark(port: Int, deadline: Duration) -> VirtualSettings {
    var settings = VirtualSettings()
    settings.endpoint.port = port
    settings.allowsLoopback = true
    settings.deadline = deadline
    settings.stalenessLimit = .seconds(1 << 30)
    return settings
  }
}
