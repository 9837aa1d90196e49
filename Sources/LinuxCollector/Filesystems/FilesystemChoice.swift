internal import ProcFS

/// Which of a container's mounts are worth a series: one for each file system, and none that hold no data of the container's.
enum FilesystemChoice {
  /// A container with more is an accident or an attack; each is half a dozen series.
  static let maximumPerContainer = 32

  static func isWanted(type: String) -> Bool {
    !withoutSize.contains(type) && !ofTheKernel.contains(type) && !alwaysFull.contains(type)
  }

  /// Whether this machine's kernel answers for the file system by itself: no network and no other program is in between.
  static func isOfThisMachine(type: String) -> Bool {
    ["btrfs", "ext2", "ext3", "ext4", "f2fs", "overlay", "tmpfs", "vfat", "xfs", "zfs"].contains(type)
  }

  /// Of each file system one mount: the first that the container can write to, or else the first. A node's disk comes into a container as
  /// its root, as volumes and as files like `/etc/hosts`; its numbers are the same everywhere.
  static func mounts(_ mounts: [MountInfo]) -> [MountInfo] {
    var chosen: [MountInfo] = []
    var devices: Set<DeviceNumber> = []
    for isReadOnly in [false, true] {
      for mount in mounts where mount.isReadOnly == isReadOnly && isWanted(mount) && devices.insert(mount.device).inserted {
        chosen.append(mount)
      }
    }
    return chosen
  }

  private static func isWanted(_ mount: MountInfo) -> Bool {
    // The runtime's own: device nodes, and what it covers parts of /proc and /sys with.
    if mount.mountPoint == "/dev" || isBelow(["/proc", "/sys"], mount.mountPoint) { return false }
    // The kubelet's own, and other runtimes' of the same kind: a few bytes each, which the container does not write.
    if files.contains(mount.mountPoint) || isBelow(serviceAccounts, mount.mountPoint) { return false }
    // Secrets and projected volumes: they hold what the API server gave, and say that they are as large as the node's memory.
    return mount.type != "tmpfs" || !mount.isReadOnly
  }

  private static func isBelow(_ folders: [String], _ path: String) -> Bool {
    folders.contains { path == $0 || path.hasPrefix($0 + "/") }
  }

  private static let files: Set<String> = [
    "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/dev/termination-log", "/run/.containerenv",
  ]
  private static let serviceAccounts = ["/run/secrets/kubernetes.io", "/var/run/secrets/kubernetes.io"]

  /// They hold no data, and give no size or a made-up one.
  private static let withoutSize: Set<String> = [
    "autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devpts", "devtmpfs", "efivarfs", "fuse.lxcfs", "fusectl",
    "mqueue", "nsfs", "proc", "pstore", "ramfs", "rpc_pipefs", "securityfs", "selinuxfs", "sysfs", "tracefs",
  ]
  /// Its pages are the node's, handed out at its start.
  private static let ofTheKernel: Set<String> = ["hugetlbfs"]
  /// Images that nobody can write to: to an alert on disks that fill up they are full for ever.
  private static let alwaysFull: Set<String> = ["cramfs", "erofs", "iso9660", "romfs", "squashfs", "udf"]
}
