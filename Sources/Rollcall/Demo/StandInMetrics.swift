internal import Exposition
internal import Simulator

// The metrics of the stand-ins, in the formats of windows_exporter 0.31 and of a kubelet's cAdvisor. The values grow, so that graphs move.

extension DemoCluster {
  func windowsExporterMetrics(of node: Node, secondsUp: Double) -> [UInt8] {
    let containers = pods.filter { $0.node.name == node.name }.flatMap { pod in
      pod.containers.filter { $0.isRunning && !$0.hostProcess }.map { container in
        PopulationNode.Container(namespace: pod.namespace, pod: pod.name, name: container.name, id: container.id)
      }
    }
    return WindowsExporterMetrics.body(containers: containers, secondsUp: secondsUp)
  }

  static func cadvisorMetrics(of pod: Pod, secondsUp: Double) -> [UInt8] {
    var body = ExpositionWriter()
    body.family("container_cpu_usage_seconds_total", .counter, help: "Processor time used, in seconds.")
    for container in pod.containers where container.isRunning {
      body.sample("container_cpu_usage_seconds_total", container.cadvisorLabels(in: pod), secondsUp / 5)
    }
    body.family("container_memory_working_set_bytes", .gauge, help: "Working set, in bytes.")
    for container in pod.containers where container.isRunning {
      body.sample("container_memory_working_set_bytes", container.cadvisorLabels(in: pod), 48_000_000)
    }
    body.family("container_scrape_error", .gauge, help: "Whether the containers could not be read.", value: 0)
    return body.bytes
  }
}

extension DemoCluster.Container {
  fileprivate func cadvisorLabels(in pod: DemoCluster.Pod) -> ExpositionLabels {
    ["container": name, "image": image, "namespace": pod.namespace, "pod": pod.name]
  }
}

/// The metrics of windows_exporter 0.31 that the controller reads.
enum WindowsExporterMetrics {
  static func body(containers: [PopulationNode.Container], secondsUp: Double) -> [UInt8] {
    var body = ExpositionWriter()
    body.info("windows_exporter_build_info", help: "The exporter's version.", ["version": "0.31.3"])
    body.family(
      "windows_exporter_collector_success", .gauge, help: "Whether the collector succeeded.", labels: ["collector": "container"], value: 1)
    body.family("windows_container_available", .gauge, help: "Whether the container runs.")
    for container in containers { body.sample("windows_container_available", labels(container), 1) }
    body.family("windows_container_cpu_usage_seconds_total", .counter, help: "Processor time used, in seconds.")
    for container in containers { body.sample("windows_container_cpu_usage_seconds_total", labels(container), secondsUp / 10) }
    return body.bytes
  }

  private static func labels(_ container: PopulationNode.Container) -> ExpositionLabels {
    [
      "container_id": "containerd://\(container.id)", "namespace": container.namespace, "pod": container.pod, "container": container.name,
      "hostprocess": "false",
    ]
  }
}
