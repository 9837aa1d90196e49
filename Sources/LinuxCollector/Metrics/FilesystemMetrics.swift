internal import Exposition
internal import Primitives
internal import ProcFS
internal import Roll

/// The file system families: `rollcall_container_filesystem_…` for containers on the roll, `rollcall_unnamed_container_filesystem_…` for
/// the others.
struct FilesystemMetrics {
  let node: String
  private let named: [Series]
  private let unnamed: [Series]

  private struct Series {
    var labels: ExpositionLabels
    var usage: Result<FilesystemUsage, FilesystemFailure>
  }

  private struct Metric: Sendable {
    var name: String
    var help: String
    var value: @Sendable (FilesystemUsage) -> UInt64
  }

  private static let metrics: [Metric] = [
    Metric(name: "size_bytes", help: "Size of the file system at the container's mount point.") { $0.size },
    Metric(name: "used_bytes", help: "Bytes used on the file system, including those of other containers that share it.") { $0.used },
    Metric(name: "available_bytes", help: "Bytes available to unprivileged users on the file system.") { $0.available },
    Metric(name: "inodes", help: "Inodes of the file system; 0 if their number is not fixed.") { $0.inodes },
    Metric(name: "inodes_free", help: "Free inodes of the file system; 0 if their number is not fixed.") { $0.inodesFree },
  ]

  /// - Parameter names: the containers that run, with their names if they are on the roll. The report may be older, and have others.
  init(node: String, names: [ContainerID: ContainerReference?], report: FilesystemReport) {
    self.node = node
    var named: [(ContainerReference, [Series])] = []
    var unnamed: [Series] = []
    for container in report.containers {
      guard let name = names[container.id] else { continue }
      let owner: ExpositionLabels
      if let reference = name {
        owner = ["namespace": reference.namespace, "pod": reference.pod, "container": reference.container, "node": node]
        named.append((reference, Self.series(of: container, owner)))
      } else {
        owner = ["pod_uid": container.podUID ?? "", "container_id": container.id.description, "node": node]
        unnamed += Self.series(of: container, owner)
      }
    }
    self.named = named.sorted { $0.0 < $1.0 }.flatMap(\.1)
    self.unnamed = unnamed
  }

  /// A container that could not be read has one series, for its root.
  private static func series(of container: ContainerFilesystems, _ owner: ExpositionLabels) -> [Series] {
    func labels(_ mountPoint: String, _ device: String, _ type: String) -> ExpositionLabels {
      owner.adding("mountpoint", mountPoint).adding("device", device).adding("fstype", type)
    }
    if let failure = container.failure { return [Series(labels: labels("/", "", ""), usage: .failure(failure))] }
    return container.readings.sorted { $0.mountPoint < $1.mountPoint }.map {
      Series(labels: labels($0.mountPoint, $0.device, $0.type), usage: $0.usage)
    }
  }

  /// - Parameter afterSample: called after each sample, to drain the writer.
  func write(to writer: inout ExpositionWriter, afterSample: (inout ExpositionWriter) -> Void) {
    write(named, prefix: "rollcall_container_filesystem_", to: &writer, afterSample)
    write(unnamed, prefix: "rollcall_unnamed_container_filesystem_", to: &writer, afterSample)
  }

  private func write(
    _ series: [Series], prefix: String, to writer: inout ExpositionWriter, _ afterSample: (inout ExpositionWriter) -> Void
  ) {
    for metric in Self.metrics {
      for one in series {
        guard case .success(let usage) = one.usage else { continue }
        writer.family(prefix + metric.name, .gauge, help: metric.help)
        writer.sample(prefix + metric.name, one.labels, Double(metric.value(usage)))
        afterSample(&writer)
      }
    }
    for one in series {
      guard case .failure(let failure) = one.usage else { continue }
      writer.family(
        prefix + "unreadable", .gauge,
        help:
          "1 if the file system was not read: Hung (it does not respond), NotAsked (too many others hang), PermissionDenied or Failed.")
      writer.sample(prefix + "unreadable", one.labels.adding("reason", failure.rawValue), 1)
    }
  }

  /// The agent's own metrics on reading file systems.
  static func writeState(of report: FilesystemReport, at moment: Moment, to writer: inout ExpositionWriter) {
    writer.family(
      "rollcall_agent_filesystems_age_seconds", .gauge, help: "Age of the file system metrics.",
      // The report may be newer than the start of the sweep, because it includes new containers.
      value: max(0, (moment - report.readAt).seconds))
    writer.family(
      "rollcall_agent_filesystems_hung", .gauge, help: "File systems that do not respond; each blocks a thread of the agent.",
      value: Double(report.hung))
    writer.family(
      "rollcall_agent_filesystems_left_out", .gauge,
      help: "File systems without series because their container has more than \(MountSelection.maximumPerContainer).",
      value: Double(report.containers.reduce(0) { $0 + $1.leftOut }))
  }
}
