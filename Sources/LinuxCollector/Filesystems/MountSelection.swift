internal import ProcFS

/// Selects the mounts of a container to export: one for each file system that holds data of the container.
enum MountSelection {
  /// Bounds the series of one container, six for each file system. Containers with more are misconfigured or malicious.
  static let maximumPerContainer = 32

  static func isWanted(type: String) -> Bool {
    !withoutSize.contains(type) && !ofTheKernel.contains(type) && !alwaysFull.contains(type)
  }

  /// Whether the kernel implements the file system without a network or a user-space process.
  static func isLocal(type: String) -> Bool {
    ["btrfs", "ext2", "ext3", "ext4", "f2fs", "overlay", "tmpfs", "vfat", "xfs", "zfs"].contains(type)
  }

  /// One mount for each file system: the first writable one, otherwise the first. A node's disk is mounted into a container as its root, as
  /// volumes and as files like `/etc/hosts`, all with the same numbers.
  static func mounts(_ mounts: [MountInfo]) -> [MountInfo] {
    var selected: [MountInfo] = []
    var devices: Set<DeviceNumber> = []
    for isReadOnly in [false, true] {
      for mount in mounts where mount.isReadOnly == isReadOnly && isWanted(mount) && devices.insert(mount.device).inserted {
        selected.append(mount)
      }
    }
    return selected
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
