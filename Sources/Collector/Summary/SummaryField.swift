internal import Exposition
internal import JSON

/// One number of a summary's part, and the family that dashboards know it by.
struct SummaryField {
  /// When a 0 is a number. Runtimes that do not know a value leave it at 0, on Windows most of all.
  enum Zero {
    case never
    case always
    /// Where this number of the same part is not 0, so that somebody did count.
    case beside(String)
  }

  let family: String
  let type: MetricType
  let help: String
  /// The member of a container, a pod or the node that has the number.
  let part: String
  let key: String
  /// How many of the summary's units are one of the family's.
  var divisor = 1.0
  var zero = Zero.never
  /// What tells this series of the family from the others of the same container.
  var labels = ExpositionLabels.none

  /// The value and its time in milliseconds since 1970; `nil` where the item does not have it, does not know it, or has it from long ago.
  func value(in item: JSONValue, _ freshness: Freshness) -> (value: Double, time: Int64?)? {
    guard let part = item[part], freshness.isFresh(part), let value = number(key, of: part) else { return nil }
    if value == 0 {
      switch zero {
      case .never: return nil
      case .always: break
      case .beside(let other): if number(other, of: part) ?? 0 == 0 { return nil }
      }
    }
    return (value / divisor, freshness.time(of: part))
  }

  private func number(_ key: String, of part: JSONValue) -> Double? {
    guard let value = part[key]?.number, value >= 0, value.isFinite else { return nil }
    return value
  }
}

extension SummaryField {
  /// Of containers, of pods as a whole and of the node: cAdvisor's names.
  /// Source: https://github.com/google/cadvisor/blob/master/docs/storage/prometheus.md
  static let resources: [SummaryField] =
    [
      SummaryField(
        family: "container_cpu_usage_seconds_total", type: .counter, help: "Cumulative cpu time consumed in seconds.", part: "cpu",
        key: "usageCoreNanoSeconds", divisor: 1e9, labels: ["cpu": "total"]),
      SummaryField(
        family: "container_memory_usage_bytes", type: .gauge, help: "Current memory usage in bytes, including all memory.", part: "memory",
        key: "usageBytes"),
      SummaryField(
        family: "container_memory_working_set_bytes", type: .gauge, help: "Current working set in bytes.", part: "memory",
        key: "workingSetBytes"),
      SummaryField(family: "container_memory_rss", type: .gauge, help: "Size of RSS in bytes.", part: "memory", key: "rssBytes"),
      SummaryField(
        family: "container_memory_failures_total", type: .counter, help: "Cumulative count of memory allocation failures.", part: "memory",
        key: "pageFaults", labels: ["failure_type": "pgfault", "scope": "container"]),
      SummaryField(
        family: "container_memory_failures_total", type: .counter, help: "Cumulative count of memory allocation failures.", part: "memory",
        key: "majorPageFaults", zero: .beside("pageFaults"), labels: ["failure_type": "pgmajfault", "scope": "container"]),
      SummaryField(
        family: "container_memory_swap", type: .gauge, help: "Container swap usage in bytes.", part: "swap", key: "swapUsageBytes",
        zero: .always),
    ] + fileSystem(of: "rootfs")

  /// Of the file system of a container's root, or of the node.
  static func fileSystem(of part: String) -> [SummaryField] {
    [
      SummaryField(
        family: "container_fs_usage_bytes", type: .gauge, help: "Number of bytes that are consumed on this filesystem.", part: part,
        key: "usedBytes", zero: .beside("inodesUsed")),
      SummaryField(
        family: "container_fs_limit_bytes", type: .gauge, help: "Number of bytes that can be consumed on this filesystem.", part: part,
        key: "capacityBytes"),
      SummaryField(family: "container_fs_inodes_total", type: .gauge, help: "Number of Inodes.", part: part, key: "inodes"),
      SummaryField(
        family: "container_fs_inodes_free", type: .gauge, help: "Number of available Inodes.", part: part, key: "inodesFree"),
    ]
  }

  /// Of containers: the kubelet's own name.
  static let logs: [SummaryField] = [
    SummaryField(
      family: "kubelet_container_log_filesystem_used_bytes", type: .gauge, help: "Bytes used by the container's logs on the filesystem.",
      part: "logs", key: "usedBytes", zero: .beside("inodesUsed"))
  ]

  /// Of pods. Nobody else has a name for these.
  static let ephemeralStorage: [SummaryField] = [
    SummaryField(
      family: "rollcall_pod_ephemeral_storage_used_bytes", type: .gauge, help: "Ephemeral storage that the pod takes.",
      part: "ephemeral-storage", key: "usedBytes", zero: .beside("inodesUsed")),
    SummaryField(
      family: "rollcall_pod_ephemeral_storage_available_bytes", type: .gauge, help: "Ephemeral storage that is left on the pod's node.",
      part: "ephemeral-storage", key: "availableBytes"),
    SummaryField(
      family: "rollcall_pod_ephemeral_storage_capacity_bytes", type: .gauge, help: "Ephemeral storage that the pod's node has.",
      part: "ephemeral-storage", key: "capacityBytes"),
  ]
}
