internal import Exposition
internal import Simulator

/// What windows_exporter 0.31 says on a node, as far as the controller reads it. The numbers grow with time, so that a graph of them moves.
enum WindowsExporterPage {
  static func bytes(containers: [PopulationNode.Container], secondsUp: Double) -> [UInt8] {
    var page = ExpositionWriter()
    page.info("windows_exporter_build_info", help: "The exporter's version.", ["version": "0.31.3"])
    page.family(
      "windows_exporter_collector_success", .gauge, help: "Whether the collector succeeded.", labels: ["collector": "container"], value: 1)
    page.family("windows_container_available", .gauge, help: "Whether the container runs.")
    for container in containers { page.sample("windows_container_available", labels(container), 1) }
    page.family("windows_container_cpu_usage_seconds_total", .counter, help: "Processor time used, in seconds.")
    for container in containers { page.sample("windows_container_cpu_usage_seconds_total", labels(container), secondsUp / 10) }
    return page.bytes
  }

  private static func labels(_ container: PopulationNode.Container) -> ExpositionLabels {
    [
      "container_id": "containerd://\(container.id)", "namespace": container.namespace, "pod": container.pod, "container": container.name,
      "hostprocess": "false",
    ]
  }
}
