import LinuxCollector
import ProcFS

/// The file systems of all containers as a table.
struct FilesystemTable {
  private var table = TextTable([
    .name("CONTAINER"), .name("COMMAND"), .name("MOUNT POINT"), .name("TYPE"), .number("SIZE"), .number("USED"), .number("AVAILABLE"),
    .number("INODES"), .number("INODES FREE"),
  ])

  init(_ look: HostLook) {
    for container in look.sweep.filesystems?.containers ?? [] {
      let owner = [container.id.short, look.commands[container.id] ?? "-"]
      if let failure = container.failure { table.add(owner + ["/", "-", failure.rawValue, "-", "-", "-", "-"]) }
      for reading in container.readings.sorted(by: { $0.mountPoint < $1.mountPoint }) {
        table.add(owner + [reading.mountPoint, reading.type] + Self.numbers(reading.usage))
      }
    }
  }

  /// Why there are none stands where the size would.
  private static func numbers(_ usage: Result<FilesystemUsage, FilesystemFailure>) -> [String] {
    switch usage {
    case .failure(let failure): [failure.rawValue, "-", "-", "-", "-"]
    case .success(let usage): [usage.size, usage.used, usage.available].map(bytes) + ["\(usage.inodes)", "\(usage.inodesFree)"]
    }
  }

  /// `512`, `4.0Ki`, `252Gi`: at most three digits and a unit.
  static func bytes(_ count: UInt64) -> String {
    var unit = ""
    var (whole, tenths) = (count, UInt64(0))
    for next in ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"] where whole >= 1024 {
      tenths = whole % 1024 * 10 / 1024
      whole /= 1024
      unit = next
    }
    return whole < 10 && !unit.isEmpty ? "\(whole).\(tenths)\(unit)" : "\(whole)\(unit)"
  }

  /// Without file systems, as where they are not looked at, there is no table.
  var text: String { table.isEmpty ? "" : table.text }
}
