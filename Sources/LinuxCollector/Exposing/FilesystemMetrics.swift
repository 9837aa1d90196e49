internal import Exposition
internal import ProcFS
internal import Roll

/// The part of the page on file systems: `rollcall_container_filesystem_…` for containers on the roll,
/// `rollcall_unnamed_container_filesystem_…` for the others.
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
    Metric(name: "size_bytes", help: "Size of the file system that the container has at the mount point.") { $0.size },
    Metric(name: "used_bytes", help: "Bytes used on the file system, by whomever: the container may share it with others.") { $0.used },
    Metric(name: "available_bytes", help: "Bytes that users without privileges can still write on the file system.") { $0.available },
    Metric(name: "inodes", help: "Inodes of the file system; 0 where it has no fixed number of them.") { $0.inodes },
    Metric(name: "inodes_free", help: "Free inodes of the file system; 0 where it has no fixed number of them.") { $0.inodesFree },
  ]

  init(node: String, roll: [RollEntry], report: FilesystemReport) {
    self.node = node
    var byContainer: [ContainerID: ContainerReference] = [:]
    for entry in roll {
      if let id = ContainerID(entry.containerID) { byContainer[id] = entry.reference }
    }
    var named: [(ContainerReference, [Series])] = []
    var unnamed: [Series] = []
    for container in report.containers {
      let owner: ExpositionLabels
      if let reference = byContainer[container.id] {
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

  /// Nothing but the root is known of a container that could not be read at all.
  private static func series(of container: ContainerFilesystems, _ owner: ExpositionLabels) -> [Series] {
    func labels(_ mountPoint: String, _ device: String, _ type: String) -> ExpositionLabels {
      owner.adding("mountpoint", mountPoint).adding("device", device).adding("fstype", type)
    }
    if let failure = container.failure { return [Series(labels: labels("/", "", ""), usage: .failure(failure))] }
    return container.readings.sorted { $0.mountPoint < $1.mountPoint }.map {
      Series(labels: labels($0.mountPoint, $0.device, $0.type), usage: $0.usage)
    }
  }

  /// - Parameter afterSample: called so that the page can be handed on in pieces.
  func write(to page: inout ExpositionWriter, afterSample: (inout ExpositionWriter) -> Void) {
    write(named, prefix: "rollcall_container_filesystem_", to: &page, afterSample)
    write(unnamed, prefix: "rollcall_unnamed_container_filesystem_", to: &page, afterSample)
  }

  private func write(
    _ series: [Series], prefix: String, to page: inout ExpositionWriter, _ afterSample: (inout ExpositionWriter) -> Void
  ) {
    for metric in Self.metrics {
      for one in series {
        guard case .success(let usage) = one.usage else { continue }
        page.family(prefix + metric.name, .gauge, help: metric.help)
        page.sample(prefix + metric.name, one.labels, Double(metric.value(usage)))
        afterSample(&page)
      }
    }
    for one in series {
      guard case .failure(let failure) = one.usage else { continue }
      page.family(
        prefix + "unreadable", .gauge,
        help: "1 where the file system could not be asked: Hung (it does not answer), PermissionDenied or Failed.")
      page.sample(prefix + "unreadable", one.labels.adding("reason", failure.rawValue), 1)
    }
  }

  /// What the agent tells of its looks at file systems.
  static func writeState(of report: FilesystemReport, at moment: Moment, to page: inout ExpositionWriter) {
    page.family(
      "rollcall_agent_filesystems_age_seconds", .gauge, help: "How long ago the file systems of containers were last looked at.",
      // A new container's are read after the sweep began.
      value: max(0, (moment - report.readAt).seconds))
    page.family(
      "rollcall_agent_filesystems_hung", .gauge, help: "File systems that do not answer; each holds a thread of the agent.",
      value: Double(report.hung))
    page.family(
      "rollcall_agent_filesystems_left_out", .gauge,
      help: "File systems without series because their container has more than \(FilesystemChoice.maximumPerContainer).",
      value: Double(report.containers.reduce(0) { $0 + $1.leftOut }))
  }
}
