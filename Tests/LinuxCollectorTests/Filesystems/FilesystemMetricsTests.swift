import Exposition
import LinuxCollector
import Primitives
import ProcFS
import Roll
import TestSupport
import Testing

struct FilesystemMetricsTests {
  private let roll = [RollEntry.test("shop", "web-0", "app", id: containerID("a1"), podUID: "1")]

  private func report() throws -> FilesystemReport {
    let usage = FilesystemUsage(size: 8_388_608, used: 1_048_576, available: 7_340_032, inodes: 100, inodesFree: 98)
    func reading(_ mountPoint: String, _ usage: Result<FilesystemUsage, FilesystemFailure>) -> FilesystemReading {
      FilesystemReading(mountPoint: mountPoint, device: "/dev/sdb", type: "ext4", usage: usage)
    }
    return FilesystemReport(
      containers: [
        ContainerFilesystems(
          id: try #require(ContainerID(containerID("a1"))), podUID: "1",
          readings: [reading("/with \"quotes\"", .success(usage)), reading("/", .success(usage)), reading("/nfs", .failure(.hung))],
          leftOut: 3),
        ContainerFilesystems(
          id: try #require(ContainerID(containerID("b2"))), podUID: "2", readings: [reading("/data", .success(usage))]),
        ContainerFilesystems(id: try #require(ContainerID(containerID("c3"))), podUID: nil, failure: .permissionDenied),
      ], readAt: Moment(milliseconds: 1000), hung: 1)
  }

  private func exposition(without gone: ContainerID? = nil) throws -> String {
    let containers = try report().containers.filter { $0.id != gone }.map {
      SweptContainer(id: $0.id, podUID: $0.podUID, origin: "/docker/\($0.id)", finding: .host(at: Moment(milliseconds: 31_500)))
    }
    var sweep = Sweep(containers: containers, namespaces: [], host: nil, problems: [], searchedPaths: [], duration: .zero)
    sweep.startedAt = Moment(milliseconds: 31_500)
    sweep.filesystems = try report()
    let metrics = AgentMetrics(
      node: "node-1", roll: roll, sweep: sweep, state: AgentState(version: "1.2.3", sweeps: 4, answers: AnswerCounts()), process: nil,
      memoryPageBytes: 4096)
    return String(decoding: metrics.render(), as: UTF8.self)
  }

  @Test func `each file system has five numbers, labelled with the container and the mount point`() throws {
    let labels = #"{namespace="shop",pod="web-0",container="app",node="node-1",mountpoint="/",device="/dev/sdb",fstype="ext4"}"#
    let lines = try exposition().split(separator: "\n").filter { $0.contains(labels) }
    #expect(
      lines.map(String.init) == [
        "rollcall_container_filesystem_size_bytes\(labels) 8388608", "rollcall_container_filesystem_used_bytes\(labels) 1048576",
        "rollcall_container_filesystem_available_bytes\(labels) 7340032", "rollcall_container_filesystem_inodes\(labels) 100",
        "rollcall_container_filesystem_inodes_free\(labels) 98",
      ])
  }

  @Test func `a container that has ended since the probe is not exported`() throws {
    let text = try exposition(without: ContainerID(containerID("a1")))
    #expect(!text.contains("rollcall_container_filesystem_"))
    #expect(text.contains(#"rollcall_unnamed_container_filesystem_size_bytes{pod_uid="2""#))
  }

  @Test func `unreadable file systems are exported with the reason, and containers not on the roll with their IDs`() throws {
    let text = try exposition()
    #expect(
      text.contains(
        #"filesystem_unreadable{namespace="shop",pod="web-0",container="app",node="node-1",mountpoint="/nfs",device="/dev/sdb",fstype="ext4",reason="Hung"} 1"#
      ))
    #expect(text.contains(#"rollcall_unnamed_container_filesystem_size_bytes{pod_uid="2",container_id="\#(containerID("b2"))""#))
    #expect(
      text.contains(
        #"rollcall_unnamed_container_filesystem_unreadable{pod_uid="",container_id="\#(containerID("c3"))",node="node-1",mountpoint="/",device="",fstype="",reason="PermissionDenied"} 1"#
      ))
    #expect(text.contains("rollcall_agent_filesystems_age_seconds 30.5\n"))
    #expect(text.contains("rollcall_agent_filesystems_hung 1\n"))
    #expect(text.contains("rollcall_agent_filesystems_left_out 3\n"))
  }

  @Test(.enabled(if: findProgram("promtool") != nil, "promtool is not installed (Debian: prometheus)"))
  func `promtool accepts the exposition`() async throws {
    let folder = try TemporaryFolder()
    let file = try folder.write(exposition(), to: "metrics")
    let promtool = try ExternalProgram("sh", ["-c", "promtool check metrics < \(file)"], log: folder.path + "/log")
    #expect(try await promtool.waitForExit() == 0)
    #expect(promtool.output == "")
  }
}
