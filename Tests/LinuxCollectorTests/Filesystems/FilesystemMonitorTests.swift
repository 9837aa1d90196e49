import Foundation
import LinuxCollector
import ProcFS
import Roll
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(2)), .enabled(if: MountNamespace.isPermitted, "needs root, to mount file systems"))
struct FilesystemMonitorTests {
  private let clock = HandClock()

  private func watch() -> FilesystemMonitor {
    FilesystemMonitor(procFS: ProcFS(), now: clock.now)
  }

  @Test func `size, use and inodes of a volume are those that it was given`() async throws {
    let container = try await MountNamespace(
      """
      mkdir volume
      mount -t tmpfs -o size=8m,nr_inodes=100 none volume
      dd if=/dev/zero of=volume/file bs=1M count=1 2>/dev/null
      """)
    let usages = try container.usages(watch().read(container.containers))
    #expect(
      usages == [
        "volume": .success(
          FilesystemUsage(size: 8 << 20, used: 1 << 20, available: 7 << 20, inodes: 100, inodesFree: 98))
      ])
  }

  @Test func `a file system comes once for each container, a covered one, a read-only tmpfs and an empty name not at all`() async throws {
    let container = try await MountNamespace(
      """
      mkdir first second covered secret "with space"
      mount -t tmpfs -o size=1m none first
      mount --bind first second
      mount -t tmpfs -o size=2m none covered
      mount -t tmpfs -o size=3m none covered
      mount -t tmpfs -o size=4m,ro none secret
      mount -t tmpfs -o size=5m none "with space"
      """)
    let sizes = try container.usages(watch().read(container.containers)).mapValues { try? $0.get().size }
    #expect(sizes == ["first": 1 << 20, "covered": 3 << 20, "with space": 5 << 20])
  }

  @Test(
    .enabled(
      if: findProgram("mkfs.ext4") != nil && access("/dev/loop-control", R_OK | W_OK) == 0, "needs loop devices and mkfs.ext4 (e2fsprogs)"))
  func `a disk has the numbers of df, at the mount that can be written to`() async throws {
    let container = try await MountNamespace(
      """
      truncate -s 16M image; mkfs.ext4 -q image; mkdir disk config data
      mount -o loop image disk
      dd if=/dev/zero of=disk/file bs=1M count=2 2>/dev/null; sync -f disk
      mount --bind disk config; mount -o remount,bind,ro config; mount --bind disk data; umount disk
      echo df $(df --block-size=1 --output=size,used,avail,itotal,iavail data | tail -n 1)
      """)
    let line = try await container.program.waitForLine(containing: "df ")
    let df = line.split(separator: " ").compactMap { UInt64($0) }
    let usages = try container.usages(watch().read(container.containers))
    #expect(usages.keys.sorted() == ["data"])
    let usage = try #require(usages["data"]).get()
    #expect([usage.size, usage.used, usage.available, usage.inodes, usage.inodesFree] == df)
    #expect(usage.used >= 2 << 20)
  }

  @Test func `a link that a container puts into the way of a mount leads nowhere`() async throws {
    let container = try await MountNamespace(
      """
      mkdir -p outer/inner elsewhere/inner
      mount -t tmpfs -o size=1m none outer/inner
      mount -t tmpfs -o size=2m none elsewhere/inner
      """)
    let process = try ProcFS().process(container.program.processIdentifier)
    let mounts = try process.mounts(ReadBuffer()) { $0 == "tmpfs" }
    let mount = try #require(mounts.first { $0.mountPoint.hasSuffix("outer/inner") })
    #expect(try process.usage(of: mount).size == 1 << 20)
    // What the list said is true no longer: another place has that name now, by a link.
    try FileManager.default.moveItem(atPath: container.folder + "/outer", toPath: container.folder + "/moved")
    try FileManager.default.createSymbolicLink(
      atPath: container.folder + "/outer", withDestinationPath: container.folder + "/elsewhere")
    let error = try #require(throws: ProcFSError.self) { try process.usage(of: mount) }
    #expect("\(error)".contains("outer"))
  }

  @Test func `a pod's pause container is left out`() async throws {
    let program = "/bin/sleep"
    let container = try await MountNamespace(
      podUID: "0b1ffb26-1d2c-4d0c-8d3c-5f7e7f5d0c11", "cp \(program) pause; echo is ready; exec ./pause 1000")
    try await eventually("the shell has become the pause program") {
      try ProcFS().process(container.program.processIdentifier).command(ReadBuffer()) == "pause"
    }
    #expect(watch().read(container.containers).containers.isEmpty)
    var sandbox = container.containers
    sandbox[0].podUID = nil
    #expect(watch().read(sandbox).containers.count == 1)
    sandbox[0].role = .sandbox
    #expect(watch().read(sandbox).containers.isEmpty)
  }

  @Test func `R50 a process that is not the container's any more gives no numbers`() async throws {
    let container = try await MountNamespace("true")
    try container.tree.cgroup("docker/\(containerID("1"))", [])
    let stale = LocatedContainer(
      id: container.id, podUID: nil, origin: "",
      processes: [
        LocatedProcess(
          identifier: container.program.processIdentifier,
          membership: .cgroup(container.tree.cgroupRoot + "/docker/\(containerID("1"))")),
        LocatedProcess(identifier: container.program.processIdentifier, membership: .started(ticks: 1)),
      ])
    #expect(watch().read([stale]).containers.isEmpty)
  }

  @Test func `a new container is looked at with the sweep that finds it, and everything once an interval`() async throws {
    let container = try await MountNamespace("mkdir volume; mount -t tmpfs -o size=1m none volume")
    let watch = FilesystemMonitor(procFS: ProcFS(), interval: .seconds(60), now: clock.now)
    let sweeper = LinuxSweeper(procFS: ProcFS(), locator: container.tree.locator, filesystems: watch, now: clock.now)
    func report() throws -> FilesystemReport { try #require(sweeper.sweep().filesystems) }
    try await eventually("the first sweeps have it") { try container.usages(report()).keys.sorted() == ["volume"] }

    clock.advance(.milliseconds(59_999))
    try container.tree.cgroup("docker/\(containerID("2"))", [container.program.processIdentifier])
    let second = try #require(ContainerID(containerID("2")))
    try await eventually("the second one is there long before the next look at everything") {
      try report().containers.map(\.id) == [container.id, second]
    }
    let places = try report().containers.map { $0.readings.map(\.mountPoint) }
    #expect(places[0] == places[1])

    clock.advance(.milliseconds(1))
    try await eventually("the next look at everything is done") { try report().readAt == Moment(milliseconds: 60_000) }
  }

  @Test func `a process in the machine's root is not in its container yet, which is looked at again with the next sweep`() async throws {
    let container = try await MountNamespace("mkdir volume; mount -t tmpfs -o size=1m none volume")
    let watch = FilesystemMonitor(procFS: ProcFS(), interval: .seconds(60), now: clock.now)
    let beginning = try ExternalProgram("sleep", ["1000"], log: container.tree.folder.path + "/beginning.log")
    defer { beginning.stop() }
    try container.tree.cgroup("docker/\(containerID("1"))", [beginning.processIdentifier])
    #expect(watch.read(container.containers).containers.isEmpty)
    try container.tree.cgroup("docker/\(containerID("1"))", [container.program.processIdentifier])
    try await eventually("its file systems are there") {
      try watch.refresh(container.containers).map { $0.containers.isEmpty ? [] : try container.usages($0).keys.sorted() } == ["volume"]
    }
  }
}
