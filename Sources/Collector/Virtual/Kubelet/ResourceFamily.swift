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
  ///
  /// A container without CPU or memory usage, or whose usage is 0, is omitted until it has both: metrics-server drops all containers of the
  /// pod otherwise. Every sample has a timestamp: with that of metrics-server's own scrape, a reading that has not changed since its last
  /// one would look like no usage.
  /// - Parameter now: when the snapshot was taken, in milliseconds since 1970. Values without a timestamp get the arrival of their scrape.
  package func lines(of snapshot: VirtualSnapshot, now: Int64) -> [UInt8] {
    var writer = ExpositionWriter()
    for entry in snapshot.entries {
      let arrival = entry.arrival(now)
      let usages = entry.scrape.usages().filter(\.isComplete)
      if isOfPods {
        writePods(usages, arrival: arrival, into: &writer)
      } else {
        for usage in usages {
          guard let reading = usage[keyPath: field] else { continue }
          let labels: ExpositionLabels = [
            "container": usage.reference.container, "namespace": usage.reference.namespace, "pod": usage.reference.pod,
          ]
          writer.sample(name, labels, reading.value, timestampMilliseconds: reading.time ?? arrival)
        }
      }
    }
    return writer.bytes
  }

  /// A pod's usage is the sum over its containers. Its timestamp is the oldest one.
  private func writePods(_ usages: [ContainerUsage], arrival: Int64, into writer: inout ExpositionWriter) {
    for containers in usages.byPod() {
      let readings = containers.compactMap { $0[keyPath: field] }
      guard !readings.isEmpty, let first = containers.first else { continue }
      let labels: ExpositionLabels = ["namespace": first.reference.namespace, "pod": first.reference.pod]
      writer.sample(
        name, labels, readings.reduce(0) { $0 + $1.value }, timestampMilliseconds: readings.compactMap(\.time).min() ?? arrival)
    }
  }
}

extension ContainerUsage {
  fileprivate var isComplete: Bool { (cpuSeconds?.value ?? 0) > 0 && (workingSetBytes?.value ?? 0) > 0 }
}

/// The two series of a node itself in `/metrics/resource`, as the sum of its pods. A series whose value is still 0 is omitted, because
/// metrics-server refuses it.
/// - Parameter now: when the snapshot was taken, in milliseconds since 1970.
package func nodeResourceLines(of snapshot: VirtualSnapshot, now: Int64) -> [UInt8] {
  let total = snapshot.total()
  let time = snapshot.time(now) ?? now
  var writer = ExpositionWriter()
  for (name, type, help, value) in [
    ("node_cpu_usage_seconds_total", MetricType.counter, "Cumulative cpu time consumed by the node in core-seconds", total.cpuSeconds),
    ("node_memory_working_set_bytes", .gauge, "Current working set of the node in bytes", total.workingSetBytes),
  ] where value > 0 {
    writer.family(name, type, help: help)
    writer.sample(name, .none, value, timestampMilliseconds: time)
  }
  return writer.bytes
}
