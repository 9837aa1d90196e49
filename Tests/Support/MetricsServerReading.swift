/// Decodes a kubelet's `/metrics/resource` as metrics-server does: series by name, the labels container, pod and namespace by their first
/// occurrence, and the timestamp of the last sample.
///
/// Source: decodeBatch in https://github.com/kubernetes-sigs/metrics-server/blob/master/pkg/scraper/client/resource/decode.go
package struct MetricsServerReading {
  package struct Container: Equatable, Sendable {
    package var cpu: Double
    package var memory: Double
    /// Unix milliseconds.
    package var time: Int64
    package var start: Double

    package init(cpu: Double = 0, memory: Double = 0, time: Int64 = 0, start: Double = 0) {
      (self.cpu, self.memory, self.time, self.start) = (cpu, memory, time, start)
    }
  }

  package private(set) var nodeCPU = 0.0
  package private(set) var nodeMemory = 0.0
  /// By namespace and name, then by container. Pods with a container that lacks CPU or memory are dropped.
  package private(set) var pods: [String: [String: Container]] = [:]

  package init(_ page: String) {
    for line in page.split(separator: "\n") where !line.hasPrefix("#") {
      let name = line.prefix { $0 != "{" && $0 != " " }
      let words = line.drop { $0 != "}" }.split(separator: " ")
      let fields = line.contains("{") ? Array(words.dropFirst()) : Array(line.split(separator: " ").dropFirst())
      guard let value = fields.first.flatMap({ Double($0) }) else { continue }
      func label(_ label: String) -> String {
        guard let start = line.firstRange(of: "\(label)=\"")?.upperBound else { return "" }
        return String(line[start...].prefix { $0 != "\"" })
      }
      let pod = "\(label("namespace"))/\(label("pod"))"
      let container = label("container")
      let time = fields.count > 1 ? Int64(fields[1]) ?? 0 : 0
      switch name {
      case "node_cpu_usage_seconds_total": nodeCPU = value
      case "node_memory_working_set_bytes": nodeMemory = value
      case "container_cpu_usage_seconds_total":
        pods[pod, default: [:]][container, default: Container()].cpu = value
        pods[pod, default: [:]][container, default: Container()].time = time
      case "container_memory_working_set_bytes":
        pods[pod, default: [:]][container, default: Container()].memory = value
        pods[pod, default: [:]][container, default: Container()].time = time
      case "container_start_time_seconds": pods[pod, default: [:]][container, default: Container()].start = value
      default: continue
      }
    }
    pods = pods.filter { $0.value.values.allSatisfy { $0.cpu != 0 && $0.memory != 0 } }
  }
}
