import ProcFS
import Testing

@testable import LinuxCollector

struct MountSelectionTests {
  private func mount(_ mountPoint: String, _ type: String, device: Int64, root: String = "/", isReadOnly: Bool = false) -> MountInfo {
    MountInfo(
      identifier: device, device: DeviceNumber(major: 0, minor: device), root: root, mountPoint: mountPoint, isReadOnly: isReadOnly,
      type: type, source: type)
  }

  @Test func `a pod's root, volumes and shared memory are selected, each file system once`() {
    let mounts = [
      mount("/", "overlay", device: 50), mount("/dev", "tmpfs", device: 52), mount("/dev/shm", "tmpfs", device: 53),
      mount("/etc/hosts", "ext4", device: 1), mount("/dev/termination-log", "ext4", device: 1), mount("/data", "ext4", device: 1),
      mount("/cache", "ext4", device: 1), mount("/scratch", "tmpfs", device: 54), mount("/db", "xfs", device: 2),
      mount("/certs", "tmpfs", device: 55, isReadOnly: true),
      mount("/var/run/secrets/kubernetes.io/serviceaccount", "tmpfs", device: 56),
      mount("/proc/acpi", "tmpfs", device: 57, isReadOnly: true), mount("/proc/keys", "tmpfs", device: 52),
      mount("/sys/firmware", "tmpfs", device: 58), mount("/process", "ext4", device: 3), mount("/reports", "nfs4", device: 4),
      mount("/images", "ext4", device: 5, isReadOnly: true),
    ]
    #expect(
      MountSelection.mounts(mounts).map(\.mountPoint)
        == ["/", "/dev/shm", "/data", "/scratch", "/db", "/process", "/reports", "/images"])
  }

  @Test func `R92: every mounted directory of a file system is selected, of a local one only those that the container can write to`() {
    let mounts = [
      mount("/data", "ext4", device: 1, root: "/pods/a"), mount("/again", "ext4", device: 1, root: "/pods/a"),
      mount("/logs", "ext4", device: 1, root: "/logs"), mount("/config", "ext4", device: 1, root: "/config", isReadOnly: true),
      mount("/image", "xfs", device: 2, root: "/image", isReadOnly: true), mount("/a", "nfs4", device: 3, root: "/a"),
      mount("/b", "nfs4", device: 3, root: "/b", isReadOnly: true),
    ]
    #expect(MountSelection.mounts(mounts).map(\.mountPoint) == ["/data", "/logs", "/a", "/image", "/b"])
  }

  @Test func `R92: mounts of one file system with the same numbers have one reading`() {
    func reading(_ mountPoint: String, _ device: Int64, size: UInt64, used: UInt64) -> (device: DeviceNumber, reading: FilesystemReading) {
      (
        DeviceNumber(major: 0, minor: device),
        FilesystemReading(
          mountPoint: mountPoint, device: "d", type: "ext4",
          usage: .success(FilesystemUsage(size: size, used: used, available: size - used, inodes: 100, inodesFree: 90)))
      )
    }
    let readings = [
      reading("/data", 1, size: 1_000_000, used: 500_000), reading("/logs", 1, size: 1_000_000, used: 500_900),
      reading("/quota", 1, size: 1000, used: 500), reading("/fuller", 1, size: 1_000_000, used: 502_000),
      reading("/other", 2, size: 1_000_000, used: 500_000),
    ]
    #expect(MountSelection.distinct(readings).map(\.mountPoint) == ["/data", "/quota", "/fuller", "/other"])
    let hung = FilesystemReading(mountPoint: "/nfs/a", device: "d", type: "nfs4", usage: .failure(.hung))
    let device = DeviceNumber(major: 0, minor: 3)
    #expect(MountSelection.distinct([(device, hung), (device, hung)]).count == 1)
  }

  @Test func `a disk mounted only as files of the kubelet is left out`() {
    #expect(MountSelection.mounts([mount("/etc/hosts", "ext4", device: 1), mount("/etc/resolv.conf", "ext4", device: 1)]).isEmpty)
  }

  @Test(arguments: [
    ("proc", false), ("sysfs", false), ("cgroup2", false), ("devpts", false), ("mqueue", false), ("squashfs", false), ("hugetlbfs", false),
    ("autofs", false), ("fuse.lxcfs", false), ("overlay", true), ("tmpfs", true), ("ext4", true), ("xfs", true), ("btrfs", true),
    ("nfs4", true), ("ceph", true), ("fuse.sshfs", true), ("fuse", true), ("9p", true), ("virtiofs", true),
  ])
  func `types without a meaningful size are left out`(type: String, isWanted: Bool) {
    #expect(MountSelection.isWanted(type: type) == isWanted)
  }
}
