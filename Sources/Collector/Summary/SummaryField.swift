internal import Exposition
internal import JSON

/// A number in a part of a summary, and the metric family it is exported as.
struct SummaryField {
  /// When a 0 counts as a value. Runtimes report unknown values as 0, especially on Windows.
  enum Zero {
    case never
    case always
    /// If this other number of the same part is not 0, which shows that the runtime reports the part.
    case ifNonzero(String)
  }

  let family: String
  let type: MetricType
  let help: String
  /// The member of a container, a pod or the node that contains the number.
  let part: String
  let key: String
  /// Converts the summary's unit to the family's: nanoseconds to seconds, for example.
  var divisor = 1.0
  var zero = Zero.never
  /// Distinguishes the series of one container within the family.
  var labels = ExpositionLabels.none

  /// The value and its time in milliseconds since 1970. `nil` if the value is missing, unknown or stale.
  func value(in item: JSONValue, _ freshness: Freshness) -> (value: Double, time: Int64?)? {
    guard let part = item[part], freshness.isFresh(part), let value = number(key, of: part) else { return nil }
    if value == 0 {
      switch zero {
      case .never: return nil
      case .always: break
      case .ifNonzero(let other): if number(other, of: part) ?? 0 == 0 { return nil }
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
  /// Of containers, pods and the node, under cAdvisor's names.
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
        key: "majorPageFaults", zero: .ifNonzero("pageFaults"), labels: ["failure_type": "pgmajfault", "scope": "container"]),
      SummaryField(
        family: "container_memory_swap", type: .gauge, help: "Container swap usage in bytes.", part: "swap", key: "swapUsageBytes",
        zero: .always),
    ] + fileSystem(of: "rootfs")

  /// Of a container's root file system, or the node's file system.
  static func fileSystem(of part: String) -> [SummaryField] {
    [
      SummaryField(
        family: "container_fs_usage_bytes", type: .gauge, help: "Number of bytes that are consumed on this filesystem.", part: part,
        key: "usedBytes", zero: .ifNonzero("inodesUsed")),
      SummaryField(
        family: "container_fs_limit_bytes", type: .gauge, help: "Number of bytes that can be consumed on this filesystem.", part: part,
        key: "capacityBytes"),
      SummaryField(family: "container_fs_inodes_total", type: .gauge, help: "Number of Inodes.", part: part, key: "inodes"),
      SummaryField(
        family: "container_fs_inodes_free", type: .gauge, help: "Number of available Inodes.", part: part, key: "inodesFree"),
    ]
  }

  /// Of containers, under the kubelet's name.
  static let logs: [SummaryField] = [
    SummaryField(
      family: "kubelet_container_log_filesystem_used_bytes", type: .gauge, help: "Bytes used by the container's logs on the filesystem.",
      part: "logs", key: "usedBytes", zero: .ifNonzero("inodesUsed"))
  ]

  /// Of pods, under names of our own: neither cAdvisor nor the kubelet exports these.
  static let ephemeralStorage: [SummaryField] = [
    SummaryField(
      family: "rollcall_pod_ephemeral_storage_used_bytes", type: .gauge, help: "Ephemeral storage used by the pod.",
      part: "ephemeral-storage", key: "usedBytes", zero: .ifNonzero("inodesUsed")),
    SummaryField(
      family: "rollcall_pod_ephemeral_storage_available_bytes", type: .gauge, help: "Ephemeral storage available on the pod's node.",
      part: "ephemeral-storage", key: "availableBytes"),
    SummaryField(
      family: "rollcall_pod_ephemeral_storage_capacity_bytes", type: .gauge, help: "Ephemeral storage capacity of the pod's node.",
      part: "ephemeral-storage", key: "capacityBytes"),
  ]

  static let network: [SummaryField] = [
    ("receive", "bytes", "rxBytes", "Cumulative count of bytes received"),
    ("receive", "errors", "rxErrors", "Cumulative count of errors encountered while receiving"),
    ("transmit", "bytes", "txBytes", "Cumulative count of bytes transmitted"),
    ("transmit", "errors", "txErrors", "Cumulative count of errors encountered while transmitting"),
  ].map { way, what, key, help in
    SummaryField(
      family: "container_network_\(way)_\(what)_total", type: .counter, help: help, part: "network", key: key, zero: .always)
  }

  /// - Parameter prefix: `kubelet_volume_stats_`, the kubelet's own, for claims, and one of ours for other volumes.
  static func volumes(prefix: String) -> [SummaryField] {
    [
      ("capacity_bytes", "capacityBytes", "Capacity in bytes of the volume", Zero.never),
      ("available_bytes", "availableBytes", "Number of available bytes in the volume", .ifNonzero("capacityBytes")),
      ("used_bytes", "usedBytes", "Number of used bytes in the volume", .ifNonzero("capacityBytes")),
      ("inodes", "inodes", "Maximum number of inodes in the volume", .never),
      ("inodes_free", "inodesFree", "Number of free inodes in the volume", .ifNonzero("inodes")),
      ("inodes_used", "inodesUsed", "Number of used inodes in the volume", .ifNonzero("inodes")),
    ].map { suffix, key, help, zero in
      SummaryField(family: prefix + suffix, type: .gauge, help: help, part: "volume", key: key, zero: zero)
    }
  }
}
