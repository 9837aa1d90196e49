import Foundation
import LinuxCollector
import ProcFS
import Roll
import TestSupport
import Testing

/// A real FUSE file system whose process is stopped, so every query of it blocks.
@Suite(
  .ownThread, .timeLimit(.minutes(3)),
  .enabled(
    if: MountNamespace.isPermitted && findProgram("bindfs") != nil && access("/dev/fuse", R_OK | W_OK) == 0,
    "needs root, /dev/fuse and bindfs (Debian: bindfs)"))
struct HungMountTests {
  @Test func `R52: a hung mount is marked and blocks one thread, the others are read, and it is read again once it responds`()
    async throws
  {
    let container = try await MountNamespace(
      """
      mkdir low healthy frozen later
      mount -t tmpfs -o size=1m none healthy
      bindfs -f low frozen & echo bindfs $!
      until mountpoint -q frozen; do sleep 0.05; done
      mount -t tmpfs -o size=2m none later
      """)
    let line = try await container.program.waitForLine(containing: "bindfs ")
    let bindfs = try #require(line.split(separator: " ").last.flatMap { Int32($0) })
    // Ending it releases the blocked threads.
    defer { kill(bindfs, SIGKILL) }

    let monitor = FilesystemMonitor(procFS: ProcFS(), now: { .init(milliseconds: 0) })
    func probe() throws -> (sizes: [String: UInt64], failures: [String: FilesystemFailure], hung: Int) {
      let report = monitor.read(container.containers)
      let usages = try container.usages(report)
      return (
        usages.compactMapValues { try? $0.get().size },
        usages.compactMapValues { if case .failure(let failure) = $0 { failure } else { nil } }, report.hung
      )
    }
    let before = try probe()
    #expect(before.sizes.keys.sorted() == ["frozen", "healthy", "later"])
    #expect(before.hung == 0)

    kill(bindfs, SIGSTOP)
    try await eventually("bindfs is stopped") {
      try String(contentsOfFile: "/proc/\(bindfs)/stat", encoding: .utf8).contains(") T ")
    }
    for _ in 1...3 {
      let hung = try probe()
      #expect(hung.sizes == ["healthy": 1 << 20, "later": 2 << 20])
      #expect(hung.failures == ["frozen": .hung])
      #expect(hung.hung == 1)
    }
    // A sweep does not wait for the probe.
    let sweeper = LinuxSweeper(procFS: ProcFS(), locator: container.tree.locator, filesystems: monitor, now: { .init(milliseconds: 0) })
    #expect(sweeper.sweep().filesystems?.hung == 1)

    kill(bindfs, SIGCONT)
    try await eventually("the file system responds again") {
      let after = try probe()
      return after.sizes.keys.sorted() == ["frozen", "healthy", "later"] && after.hung == 0
    }
  }
  @Test func `R52: a sweep does not wait for a new container's hung mount, which is marked after the deadline`() async throws {
    let container = try await MountNamespace(
      """
      mkdir low frozen healthy
      mount -t tmpfs -o size=1m none healthy
      bindfs -f low frozen & echo bindfs $!
      until mountpoint -q frozen; do sleep 0.05; done
      """)
    let line = try await container.program.waitForLine(containing: "bindfs ")
    let bindfs = try #require(line.split(separator: " ").last.flatMap { Int32($0) })
    defer { kill(bindfs, SIGKILL) }
    kill(bindfs, SIGSTOP)
    try await eventually("bindfs is stopped") {
      try String(contentsOfFile: "/proc/\(bindfs)/stat", encoding: .utf8).contains(") T ")
    }
    // With this deadline, a sweep that waited for the probe would not return.
    let monitor = FilesystemMonitor(procFS: ProcFS(), deadline: .seconds(3600), now: { .init(milliseconds: 0) })
    let sweeper = LinuxSweeper(procFS: ProcFS(), locator: container.tree.locator, filesystems: monitor, now: { .init(milliseconds: 0) })
    #expect(sweeper.sweep().filesystems == nil)
    #expect(sweeper.sweep().filesystems == nil)

    let patient = FilesystemMonitor(procFS: ProcFS(), deadline: .milliseconds(200), now: { .init(milliseconds: 0) })
    try await eventually("the probe has abandoned it") {
      guard let report = patient.refresh(container.containers), !report.containers.isEmpty else { return false }
      let usages = try container.usages(report)
      return try usages["healthy"]?.get().size == 1 << 20 && usages["frozen"] == .failure(.hung) && report.hung == 1
    }
  }

  @Test func `R92: a file system that is not asked because others hang has a reason of its own`() async throws {
    let container = try await MountNamespace(
      """
      mkdir low healthy
      mount -t tmpfs -o size=1m none healthy
      for i in 1 2 3 4 5 6 7 8 9; do
        mkdir fuse$i; bindfs -f low fuse$i & echo bindfs$i. $!
        until mountpoint -q fuse$i; do sleep 0.05; done
      done
      """)
    var processes: [Int32] = []
    defer { for process in processes { kill(process, SIGKILL) } }
    for index in 1...9 {
      let line = try await container.program.waitForLine(containing: "bindfs\(index). ")
      processes.append(try #require(line.split(separator: " ").last.flatMap { Int32($0) }))
    }
    for process in processes {
      kill(process, SIGSTOP)
      try await eventually("bindfs is stopped") {
        try String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8).contains(") T ")
      }
    }
    let monitor = FilesystemMonitor(procFS: ProcFS(), deadline: .milliseconds(200), now: { .init(milliseconds: 0) })
    let report = monitor.read(container.containers)
    let usages = try container.usages(report)
    #expect(try usages["healthy"]?.get().size == 1 << 20)
    #expect(usages.values.filter { $0 == .failure(.hung) }.count == 8)
    #expect(usages["fuse9"] == .failure(.notAsked))
    #expect(report.hung == 8)
  }
}
