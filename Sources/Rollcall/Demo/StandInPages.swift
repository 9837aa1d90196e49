internal import Exposition

// The pages that the demo's stand-ins serve, in the formats of the programs they stand in for: windows_exporter 0.31 and a kubelet's
// cAdvisor. The numbers grow with time, so that a graph of them moves.

extension DemoCluster {
  /// What windows_exporter says on `node`.
  func windowsExporterPage(of node: Node, secondsUp: Double) -> [UInt8] {
    let containers = pods.filter { $0.node.name == node.name }
      .flatMap { pod in pod.containers.filter { $0.isRunning && !$0.hostProcess }.map { (pod, $0) } }
    var page = ExpositionWriter()
    page.info("windows_exporter_build_info", help: "The exporter's version.", ["version": "0.31.3"])
    page.family(
      "windows_exporter_collector_success", .gauge, help: "Whether the collector succeeded.", labels: ["collector": "container"], value: 1)
    page.family("windows_container_available", .gauge, help: "Whether the container runs.")
    for (pod, container) in containers {
      page.sample("windows_container_available", container.windowsLabels(in: pod), 1)
    }
    page.family("windows_container_cpu_usage_seconds_total", .counter, help: "Processor time used, in seconds.")
    for (pod, container) in containers {
      page.sample("windows_container_cpu_usage_seconds_total", container.windowsLabels(in: pod), secondsUp / 10)
    }
    return page.bytes
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
  fileprivate func windowsLabels(in pod: DemoCluster.Pod) -> ExpositionLabels {
    [
      "container_id": "containerd://\(id)", "namespace": pod.namespace, "pod": pod.name, "container": name, "hostprocess": "false",
    ]
  }

  fileprivate func cadvisorLabels(in pod: DemoCluster.Pod) -> ExpositionLabels {
    ["container": name, "image": image, "namespace": pod.namespace, "pod": pod.name]
  }
}
