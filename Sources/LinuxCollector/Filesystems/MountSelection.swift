internal import ProcFS

/// Selects the mounts of a container to read: one for each part of a file system that holds data of the container.
enum MountSelection {
  /// Bounds the series of one container, six for each file system. Containers with more are misconfigured or malicious.
  static let maximumPerContainer = 32
  /// Bounds the mounts that are read for them.
  static let maximumMounts = 128

  static func isWanted(type: String) -> Bool {
    !withoutSize.contains(type) && !ofTheKernel.contains(type) && !alwaysFull.contains(type)
  }

  /// Whether the kernel implements the file system without a network or a user-space process.
  static func isLocal(type: String) -> Bool {
    ["btrfs", "ext2", "ext3", "ext4", "f2fs", "overlay", "tmpfs", "vfat", "xfs", "zfs"].contains(type)
  }

  /// One mount for each part of a file system: the first writable one, otherwise the first.
  ///
  /// A file system may have a size for each of its directories, by project quotas (XFS, ext4) or by its own (CephFS, JuiceFS, exports of
  /// NFS), so that each directory that is mounted is read. Of a local file system that the container can write to, its read-only mounts are
  /// not: they are images and configuration.
  static func mounts(_ mounts: [MountInfo]) -> [MountInfo] {
    var selected: [MountInfo] = []
    var parts: Set<FilesystemPart> = []
    var writable: Set<DeviceNumber> = []
    for mount in mounts where !mount.isReadOnly && isWanted(mount) {
      writable.insert(mount.device)
      if parts.insert(FilesystemPart(mount)).inserted { selected.append(mount) }
    }
    for mount in mounts where mount.isReadOnly && isWanted(mount) && !(isLocal(type: mount.type) && writable.contains(mount.device)) {
      if parts.insert(FilesystemPart(mount)).inserted { selected.append(mount) }
    }
    return selected
  }

  /// The readings to export. A node's disk is mounted into a container as its root, as volumes and as files like `/etc/hosts`, all with the
  /// same numbers: a mount whose numbers are those of another one of its file system is left out.
  ///
  /// Numbers are the same if they differ by at most a thousandth of the size, because the container may write between two readings.
  static func distinct(_ readings: [(device: DeviceNumber, reading: FilesystemReading)]) -> [FilesystemReading] {
    var kept: [(device: DeviceNumber, reading: FilesystemReading)] = []
    for one in readings {
      let isKnown = kept.contains { $0.device == one.device && isSame($0.reading.usage, one.reading.usage) }
      if !isKnown { kept.append(one) }
    }
    return kept.map(\.reading)
  }

  private static func isSame(
    _ left: Result<FilesystemUsage, FilesystemFailure>, _ right: Result<FilesystemUsage, FilesystemFailure>
  ) -> Bool {
    switch (left, right) {
    case (.success(let left), .success(let right)): left.isNearly(right)
    case (.failure(let left), .failure(let right)): left == right
    default: false
    }
  }

  private static func isWanted(_ mount: MountInfo) -> Bool {
    // The runtime's mounts: device nodes, and those that mask parts of /proc and /sys.
    if mount.mountPoint == "/dev" || isBelow(["/proc", "/sys"], mount.mountPoint) { return false }
    // Small files of the kubelet or the runtime, which the container does not write.
    if files.contains(mount.mountPoint) || isBelow(serviceAccounts, mount.mountPoint) { return false }
    // Secrets and projected volumes, whose size is that of the node's memory.
    return mount.type != "tmpfs" || !mount.isReadOnly
  }

  private static func isBelow(_ folders: [String], _ path: String) -> Bool {
    folders.contains { path == $0 || path.hasPrefix($0 + "/") }
  }

  private static let files: Set<String> = [
    "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/dev/termination-log", "/run/.containerenv",
  ]
  private static let serviceAccounts = ["/run/secrets/kubernetes.io", "/var/run/secrets/kubernetes.io"]

  /// They hold no data, and report no size or an invented one.
  private static let withoutSize: Set<String> = [
    "autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devpts", "devtmpfs", "efivarfs", "fuse.lxcfs", "fusectl",
    "mqueue", "nsfs", "proc", "pstore", "ramfs", "rpc_pipefs", "securityfs", "selinuxfs", "sysfs", "tracefs",
  ]
  /// Its pages are the node's, allocated at mount time.
  private static let ofTheKernel: Set<String> = ["hugetlbfs"]
  /// Read-only images are always 100% used, which would fire alerts on full disks.
  private static let alwaysFull: Set<String> = ["cramfs", "erofs", "iso9660", "romfs", "squashfs", "udf"]
}

/// A directory of a file system that is mounted.
struct FilesystemPart: Hashable {
  var device: DeviceNumber
  /// As in `MountInfo`.
  var root: String

  init(_ mount: MountInfo) {
    device = mount.device
    root = mount.root
  }
}

extension FilesystemUsage {
  fileprivate func isNearly(_ other: FilesystemUsage) -> Bool {
    func isNear(_ left: UInt64, _ right: UInt64, of total: UInt64) -> Bool {
      max(left, right) - min(left, right) <= total / 1000
    }
    return size == other.size && isNear(used, other.used, of: size) && isNear(available, other.available, of: size)
      && isNear(inodes, other.inodes, of: inodes) && isNear(inodesFree, other.inodesFree, of: inodes)
  }
}
