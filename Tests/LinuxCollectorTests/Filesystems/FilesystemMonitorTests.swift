import Foundation
import LinuxCollector
import Primitives
import ProcFS
import Roll
import TestSupport
import Testing

@Suite(.ownThread, .timeLimit(.minutes(2)), .enabled(if: MountNamespace.isPermitted, "needs root, to mount file systems"))
struct FilesystemMonitorTests {
  private let clock = ManualClock()

  private func monitor() -> FilesystemMonitor {
    FilesystemMonitor(procFS: ProcFS(), now: clock.now)
  }

  @Test func `size, usage and inodes of a volume are those it was created with`() async throws {
    let container = try await MountNamespace(
      """
      mkdir volume
      mount -t tmpfs -o size=8m,nr_inodes=100 none volume
      dd if=/dev/zero of=volume/file bs=1M count=1 2>/dev/null
      """)
    let usages = try container.usages(monitor().read(container.containers))
    #expect(
      usages == [
        "volume": .success(
          FilesystemUsage(size: 8 << 20, used: 1 << 20, available: 7 << 20, inodes: 100, inodesFree: 98))
      ])
  }

  @Test func `a file system appears once per container, and covered mounts and read-only tmpfs do not appear`() async throws {
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
    let sizes = try container.usages(monitor().read(container.containers)).mapValues { try? $0.get().size }
    #expect(sizes == ["first": 1 << 20, "covered": 3 << 20, "with space": 5 << 20])
  }

  @Test(
    .enabled(
      if: findProgram("mkfs.ext4") != nil && access("/dev/loop-control", R_OK | W_OK) == 0, "needs loop devices and mkfs.ext4 (e2fsprogs)"))
  func `a disk has the numbers of df, at its writable mount`() async throws {
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
    let usages = try container.usages(monitor().read(container.containers))
    #expect(usages.keys.sorted() == ["data"])
    let usage = try #require(usages["data"]).get()
    #expect([usage.size, usage.used, usage.available, usage.inodes, usage.inodesFree] == df)
    #expect(usage.used >= 2 << 20)
  }

  @Test(
    .enabled(
      if: findProgram("bindfs") != nil && access("/dev/fuse", R_OK | W_OK) == 0, "needs /dev/fuse and bindfs (Debian: bindfs)"))
  func `R92: directories of one device have their own sizes`() async throws {
    // bindfs answers for each directory with the size of the file system behind it.
    let container = try await MountNamespace(
      """
      mkdir -p low/a low/b all a b again secondOfA
      mount -t tmpfs -o size=1m none low/a; mount -t tmpfs -o size=8m none low/b
      mkdir low/a/part; dd if=/dev/zero of=low/b/file bs=1M count=2 2>/dev/null
      bindfs -f low all & echo bindfs $!
      until mountpoint -q all; do sleep 0.05; done
      mount --bind all/a a; mount --bind all/b b; mount --bind all/b again; mount --bind all/a/part secondOfA
      umount --lazy all
      """)
    let line = try await container.program.waitForLine(containing: "bindfs ")
    let bindfs = try #require(line.split(separator: " ").last.flatMap { Int32($0) })
    defer { kill(bindfs, SIGKILL) }
    let usages = try container.usages(monitor().read(container.containers)).mapValues { try? $0.get() }
    #expect(usages.mapValues { $0?.size } == ["a": 1 << 20, "b": 8 << 20, "low/a": 1 << 20, "low/b": 8 << 20])
    #expect(usages["b"]??.used == 2 << 20)
    #expect(usages["a"]??.used == 0)
  }

  @Test func `a symbolic link in the path of a mount point is not followed`() async throws {
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
    // The mount list is outdated now: the path leads elsewhere by a symbolic link.
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
    try await eventually("the shell has executed the pause program") {
      try ProcFS().process(container.program.processIdentifier).command(ReadBuffer()) == "pause"
    }
    #expect(monitor().read(container.containers).containers.isEmpty)
    var sandbox = container.containers
    sandbox[0].podUID = nil
    #expect(monitor().read(sandbox).containers.count == 1)
    sandbox[0].role = .sandbox
    #expect(monitor().read(sandbox).containers.isEmpty)
  }

  @Test func `R50: a process that has left the container gives no numbers`() async throws {
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
    #expect(monitor().read([stale]).containers.isEmpty)
  }

  @Test func `a new container is probed with the sweep that finds it, and all containers once per interval`() async throws {
    let container = try await MountNamespace("mkdir volume; mount -t tmpfs -o size=1m none volume")
    let monitor = FilesystemMonitor(procFS: ProcFS(), interval: .seconds(60), now: clock.now)
    let sweeper = LinuxSweeper(procFS: ProcFS(), locator: container.tree.locator, filesystems: monitor, now: clock.now)
    func report() throws -> FilesystemReport { try #require(sweeper.sweep().filesystems) }
    try await eventually("the first sweeps have the volume") { try container.usages(report()).keys.sorted() == ["volume"] }

    clock.advance(.milliseconds(59_999))
    try container.tree.cgroup("docker/\(containerID("2"))", [container.program.processIdentifier])
    let second = try #require(ContainerID(containerID("2")))
    try await eventually("the second container is there long before the next probe of all containers") {
      try report().containers.map(\.id) == [container.id, second]
    }
    let places = try report().containers.map { $0.readings.map(\.mountPoint) }
    #expect(places[0] == places[1])

    clock.advance(.milliseconds(1))
    try await eventually("the next probe of all containers has ended") { try report().readAt == Moment(milliseconds: 60_000) }
  }

  @Test func `a container whose process is still in the host's root is probed again with the next sweep`() async throws {
    let container = try await MountNamespace("mkdir volume; mount -t tmpfs -o size=1m none volume")
    let monitor = FilesystemMonitor(procFS: ProcFS(), interval: .seconds(60), now: clock.now)
    let beginning = try ExternalProgram("sleep", ["1000"], log: container.tree.folder.path + "/beginning.log")
    defer { beginning.stop() }
    try container.tree.cgroup("docker/\(containerID("1"))", [beginning.processIdentifier])
    #expect(monitor.read(container.containers).containers.isEmpty)
    try container.tree.cgroup("docker/\(containerID("1"))", [container.program.processIdentifier])
    try await eventually("its file systems are read") {
      try monitor.refresh(container.containers).map { $0.containers.isEmpty ? [] : try container.usages($0).keys.sorted() } == ["volume"]
    }
  }
}
