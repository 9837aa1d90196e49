package import Exposition
internal import Roll

/// The families of a kubelet's `/metrics/resource` that can be computed from cAdvisor's. metrics-server and autoscaler adapters read them.
/// Source: k8s.io/kubernetes/pkg/kubelet/metrics/collectors/resource_metrics.go
package enum ResourceFamily: CaseIterable, Sendable {
  case containerCPU, containerMemory, containerStart, podCPU, podMemory

  package var name: String {
    switch self {
    case .containerCPU: "container_cpu_usage_seconds_total"
    case .containerMemory: "container_memory_working_set_bytes"
    case .containerStart: "container_start_time_seconds"
    case .podCPU: "pod_cpu_usage_seconds_total"
    case .podMemory: "pod_memory_working_set_bytes"
    }
  }

  package var type: MetricType {
    switch self {
    case .containerCPU, .podCPU: .counter
    case .containerMemory, .containerStart, .podMemory: .gauge
    }
  }

  package var help: String {
    switch self {
    case .containerCPU: "Cumulative cpu time consumed by the container in core-seconds"
    case .containerMemory: "Current working set of the container in bytes"
    case .containerStart: "Start time of the container since unix epoch in seconds"
    case .podCPU: "Cumulative cpu time consumed by the pod in core-seconds"
    case .podMemory: "Current working set of the pod in bytes"
    }
  }

  private var field: KeyPath<ContainerUsage, ContainerUsage.Reading?> {
    switch self {
    case .containerCPU, .podCPU: \.cpuSeconds
    case .containerMemory, .podMemory: \.workingSetBytes
    case .containerStart: \.startTimeSeconds
    }
  }

  private var isOfPods: Bool { self == .podCPU || self == .podMemory }

  /// The family's samples in the text format, without HELP and TYPE lines.
  package func lines(of snapshot: VirtualSnapshot) -> [UInt8] {
    var writer = ExpositionWriter()
    for entry in snapshot.entries {
      let usages = entry.scrape.usages()
      if isOfPods {
        writePods(usages, into: &writer)
      } else {
        for usage in usages {
          guard let reading = usage[keyPath: field] else { continue }
          let labels: ExpositionLabels = [
            "container": usage.reference.container, "namespace": usage.reference.namespace, "pod": usage.reference.pod,
          ]
          writer.sample(name, labels, reading.value, timestampMilliseconds: reading.time)
        }
      }
    }
    return writer.bytes
  }

  /// A pod's usage is the sum over its containers. Its timestamp is the oldest one.
  private func writePods(_ usages: [ContainerUsage], into writer: inout ExpositionWriter) {
    for containers in usages.byPod() {
      let readings = containers.compactMap { $0[keyPath: field] }
      guard !readings.isEmpty, let first = containers.first else { continue }
      let labels: ExpositionLabels = ["namespace": first.reference.namespace, "pod": first.reference.pod]
      writer.sample(
        name, labels, readings.reduce(0) { $0 + $1.value }, timestampMilliseconds: readings.compactMap(\.time).min())
    }
  }
}
