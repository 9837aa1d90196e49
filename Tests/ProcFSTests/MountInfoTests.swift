import Foundation
import ProcFS
import Testing

struct MountInfoTests {
  private func mounts(_ text: String, where isWanted: (String) -> Bool = { _ in true }) throws(MalformedFile) -> [MountInfo] {
    try parseText(text) { bytes throws(MalformedFile) in try MountInfo.parse(bytes, where: isWanted) }
  }

  @Test func `a mount is read with and without optional fields`() throws {
    let text = """
      612 540 0:52 / / rw,relatime master:149 propagate_from:2 - overlay overlay rw,lowerdir=/a:/b,upperdir=/c
      613 612 259:1 /var/lib/kubelet/pods/1/volumes/v /data ro,nosuid,nodev - ext4 /dev/nvme0n1p1 rw,discard

      """
    #expect(
      try mounts(text) == [
        MountInfo(
          identifier: 612, device: DeviceNumber(major: 0, minor: 52), mountPoint: "/", isReadOnly: false, type: "overlay",
          source: "overlay"),
        MountInfo(
          identifier: 613, device: DeviceNumber(major: 259, minor: 1), root: "/var/lib/kubelet/pods/1/volumes/v", mountPoint: "/data",
          isReadOnly: true, type: "ext4", source: "/dev/nvme0n1p1"),
      ])
    #expect(try mounts(text) { $0 != "overlay" }.map(\.identifier) == [613])
  }

  @Test func `escaped characters in names are decoded`() throws {
    let mount = try #require(try mounts(#"1 2 0:3 /r\040s /a\040b\011c\012d\134e\043f\9 rw - nfs4 host:/x\040y rw"#).first)
    #expect(mount.mountPoint == "/a b\tc\nd\\e#f\\9")
    #expect(mount.source == "host:/x y")
    #expect(mount.root == "/r s")
  }

  @Test(arguments: [
    ("1 2 0:3 / /a rw - ext4", "no type and source"), ("1 2 0:3 / /a rw shared:1 ext4 x rw", "no type and source"),
    ("1 2 03 / /a rw - ext4 x rw", "not a mount"), ("1 2 0:3 / /a", "not a mount"), ("one 2 0:3 / /a rw - ext4 x rw", "not a mount"),
  ])
  func `a malformed line is rejected`(line: String, reason: String) throws {
    let error = try #require(throws: MalformedFile.self) { try mounts("5 2 0:3 / /b rw - ext4 x rw\n" + line + "\n") }
    #expect(error.line == 2)
    #expect(error.reason.hasPrefix(reason))
  }

  @Test func `this process's own root is among its mounts, and has a size`() throws {
    let process = try ProcFS().process(getpid())
    let root = try #require(try process.mounts(ReadBuffer()) { _ in true }.last { $0.mountPoint == "/" })
    let usage = try process.usage(of: root)
    #expect(usage.size > 0)
    #expect(usage.size >= usage.used)
    #expect(try !process.command(ReadBuffer()).isEmpty)
  }
}
