internal import Exposition
internal import Simulator

// The pages that the demo's stand-ins serve, in the formats of the programs they stand in for: windows_exporter 0.31 and a kubelet's
// cAdvisor. The numbers grow with time, so that a graph of them moves.

extension DemoCluster {
  /// What windows_exporter says on `node`.
  func windowsExporterPage(of node: Node, secondsUp: Double) -> [UInt8] {
    let containers = pods.filter { $0.node.name == node.name }.flatMap { pod in
      pod.containers.filter { $0.isRunning && !$0.hostProcess }.map { container in
        PopulationNode.Container(namespace: pod.namespace, pod: pod.name, name: container.name, id: container.id)
      }
    }
    return WindowsExporterPage.bytes(containers: containers, secondsUp: secondsUp)
  }

  /// What the cAdvisor endpoint in `pod` says.
  static func cadvisorPage(of pod: Pod, secondsUp: Double) -> [UInt8] {
    var page = ExpositionWriter()
    page.family("container_cpu_usage_seconds_total", .counter, help: "Processor time used, in seconds.")
    for container in pod.containers where container.isRunning {
      page.sample("container_cpu_usage_seconds_total", container.cadvisorLabels(in: pod), secondsUp / 5)
    }
    page.family("container_memory_working_set_bytes", .gauge, help: "Working set, in bytes.")
    for container in pod.containers where container.isRunning {
      page.sample("container_memory_working_set_bytes", container.cadvisorLabels(in: pod), 48_000_000)
    }
    page.family("container_scrape_error", .gauge, help: "Whether the containers could not be read.", value: 0)
    return page.bytes
  }
}

extension DemoCluster.Container {
  fileprivate func cadvisorLabels(in pod: DemoCluster.Pod) -> ExpositionLabels {
    ["container": name, "image": image, "namespace": pod.namespace, "pod": pod.name]
  }
}
