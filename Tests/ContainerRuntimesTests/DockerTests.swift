import Foundation
import LinuxCollector
import NIOCore
import NIOPosix
import Primitives
import ProcFS
import Roll
import TestSupport
import Testing

@testable import ContainerRuntimes

@Suite(.ownThread, .serialized, .timeLimit(.minutes(3)))
struct DockerTests {
  private let buffer = ReadBuffer()

  @Test(.enabled(if: geteuid() == 0 && findProgram("dockerd") != nil, "needs root and dockerd (Debian: docker.io)"))
  func `containers of a real Docker Engine are found by its socket`() async throws {
    let folder = try TemporaryFolder()
    let socket = "\(folder.path)/docker.sock"
    // Without a network bridge and firewall rules on the host.
    let daemon = try ExternalProgram(
      "dockerd",
      [
        "--data-root", "\(folder.path)/data", "--exec-root", "\(folder.path)/exec", "--pidfile", "\(folder.path)/pid", "--host",
        "unix://\(socket)", "--iptables=false", "--ip6tables=false", "--bridge=none", "--exec-opt", "native.cgroupdriver=cgroupfs",
      ], log: "\(folder.path)/dockerd.log")
    defer { daemon.stop() }
    let host = "unix://\(socket)"
    try await eventually("dockerd responds") { (try? await runCommand("docker", "--host", host, "version")) != nil }
    try BusyboxRoot.make(at: "\(folder.path)/root")
    try await runCommand("tar", "--create", "--directory", "\(folder.path)/root", "--file", "\(folder.path)/root.tar", ".")
    try await runCommand("docker", "--host", host, "import", "\(folder.path)/root.tar", "busybox:1")
    func start(_ name: String, _ labels: [String]) async throws -> ContainerID {
      let output = try await runCommand(
        "sh", "-c",
        "docker --host \(host) run --detach --network none --name \(name) \(labels.map { "--label \($0)" }.joined(separator: " ")) busybox:1 /bin/sleep 1000"
      )
      return try #require(ContainerID(output.trimmingCharacters(in: .whitespacesAndNewlines)))
    }
    let plain = try await start("plain", [])
    let pod = try await start("k8s-app", ["io.kubernetes.pod.uid=u-1", "io.kubernetes.docker.type=container"])
    let pause = try await start("k8s-pod", ["io.kubernetes.pod.uid=u-1", "io.kubernetes.docker.type=podsandbox"])
    func remove() async { _ = try? await runCommand("docker", "--host", host, "rm", "--force", "plain", "k8s-app", "k8s-pod") }
    do {
      let locator = RuntimeLocator(
        DockerEngine(RuntimeSocket(path: socket, eventLoops: .singletonMultiThreadedEventLoopGroup)), procFS: ProcFS())
      let location = locator.locate(buffer)
      #expect(location.problems.isEmpty)
      #expect(location.searchedPaths == [socket])
      let found = Dictionary(uniqueKeysWithValues: location.containers.map { ($0.id, $0) })
      #expect(Set(found.keys) == [plain, pod, pause])
      #expect(found[plain]?.podUID == nil)
      #expect(found[pod]?.podUID == "u-1")
      #expect([plain, pod, pause].map { found[$0]?.role } == [.application, .application, .sandbox])
      for container in location.containers {
        let process = try #require(container.processes.first)
        #expect(try process.open(ProcFS(), buffer).command(buffer) == "sleep")
      }
      let sweep = LinuxSweeper(procFS: ProcFS(), locator: locator, now: { Moment(milliseconds: 0) }).sweep()
      #expect(sweep.namespaces.count == 3)

      // A restarted container has the same ID and a new process.
      try await runCommand("docker", "--host", host, "restart", "--time", "0", "plain")
      try await runCommand("docker", "--host", host, "kill", "k8s-app")
      let after = LinuxSweeper(procFS: ProcFS(), locator: locator, now: { Moment(milliseconds: 0) }).sweep()
      #expect(Set(after.containers.map(\.id)) == [plain, pause])
      #expect(after.namespaces.count == 2)

      // While the engine does not respond, its containers are still returned, with the problem.
      let absent = RuntimeLocator(
        DockerEngine(RuntimeSocket(path: socket, eventLoops: .singletonMultiThreadedEventLoopGroup)), procFS: ProcFS())
      _ = absent.locate(buffer)
      try FileManager.default.moveItem(atPath: socket, toPath: socket + ".away")
      defer { try? FileManager.default.moveItem(atPath: socket + ".away", toPath: socket) }
      let remembered = absent.locate(buffer)
      #expect(Set(remembered.containers.map(\.id)) == [plain, pause])
      #expect("\(remembered.problems)".contains("\(socket): No such file"))
    } catch {
      await remove()
      throw error
    }
    await remove()
  }

  private static let cases: [(String, String)] = [
    ("HTTP/1.1 400 Bad Request\r\nContent-Length: 15\r\n\r\n{\"message\":\"no\"}", "returned 400: {\"message\":\"no\""),
    ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "not that of a Docker Engine API"),
    ("SSH-2.0-OpenSSH_9.2\r\n", "sock: "),
    ("", "closed the connection"),
  ]

  @Test(arguments: cases)
  func `an invalid response is reported with the socket and the error`(response: String, message: String) throws {
    let server = try UnixServer(response)
    let engine = DockerEngine(
      RuntimeSocket(path: server.path, eventLoops: .singletonMultiThreadedEventLoopGroup, deadline: .seconds(20)))
    let error = try #require(throws: ProcFSError.self) { try engine.containers() }
    #expect("\(error)".contains(server.path))
    #expect("\(error)".contains(message), "\(error)")
  }

  @Test func `a missing socket and one that does not respond are reported with the error`() throws {
    let folder = try TemporaryFolder()
    let absent = DockerEngine(RuntimeSocket(path: folder.path + "/no.sock", eventLoops: .singletonMultiThreadedEventLoopGroup))
    #expect(throws: ProcFSError.system(.connect, path: folder.path + "/no.sock", code: ENOENT)) { try absent.containers() }
    let silent = try UnixServer(nil)
    let mute = DockerEngine(
      RuntimeSocket(path: silent.path, eventLoops: .singletonMultiThreadedEventLoopGroup, deadline: .milliseconds(50)))
    #expect(throws: ProcFSError.system(.connect, path: silent.path, code: ETIMEDOUT)) { try mute.containers() }
  }
}
