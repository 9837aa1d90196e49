import Foundation
import LinuxCollector
import NIOCore
import NIOPosix
import ProcFS
import Roll
import TestSupport
import Testing

@testable import ContainerRuntimes

@Suite(.serialized, .timeLimit(.minutes(3)))
struct DockerTests {
  private let buffer = ReadBuffer()

  @Test(.enabled(if: geteuid() == 0 && findProgram("dockerd") != nil, "needs root and dockerd (Debian: docker.io)"))
  func `containers of a real Docker Engine are found by its socket`() async throws {
    let folder = try TemporaryFolder()
    let socket = "\(folder.path)/docker.sock"
    // No network of its own, and nothing in the host's tables.
    let daemon = try ExternalProgram(
      "dockerd",
      [
        "--data-root", "\(folder.path)/data", "--exec-root", "\(folder.path)/exec", "--pidfile", "\(folder.path)/pid", "--host",
        "unix://\(socket)", "--iptables=false", "--ip6tables=false", "--bridge=none", "--exec-opt", "native.cgroupdriver=cgroupfs",
      ], log: "\(folder.path)/dockerd.log")
    defer { daemon.stop() }
    let host = "unix://\(socket)"
    try await eventually("dockerd answers", within: .seconds(60)) { (try? await run("docker", "--host", host, "version")) != nil }
    try BusyboxRoot.make(at: "\(folder.path)/root")
    try await run("tar", "--create", "--directory", "\(folder.path)/root", "--file", "\(folder.path)/root.tar", ".")
    try await run("docker", "--host", host, "import", "\(folder.path)/root.tar", "busybox:1")
    func start(_ name: String, _ labels: [String]) async throws -> ContainerID {
      let output = try await run(
        "sh", "-c",
        "docker --host \(host) run --detach --network none --name \(name) \(labels.map { "--label \($0)" }.joined(separator: " ")) busybox:1 /bin/sleep 1000"
      )
      return try #require(ContainerID(output.trimmingCharacters(in: .whitespacesAndNewlines)))
    }
    let plain = try await start("plain", [])
    let pod = try await start("k8s-app", ["io.kubernetes.pod.uid=u-1", "io.kubernetes.docker.type=container"])
    let pause = try await start("k8s-pod", ["io.kubernetes.pod.uid=u-1", "io.kubernetes.docker.type=podsandbox"])
    func remove() async { _ = try? await run("docker", "--host", host, "rm", "--force", "plain", "k8s-app", "k8s-pod") }
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

      // The same container again: its ID stays, its process is another one.
      try await run("docker", "--host", host, "restart", "--time", "0", "plain")
      try await run("docker", "--host", host, "kill", "k8s-app")
      let after = LinuxSweeper(procFS: ProcFS(), locator: locator, now: { Moment(milliseconds: 0) }).sweep()
      #expect(Set(after.containers.map(\.id)) == [plain, pause])
      #expect(after.namespaces.count == 2)

      // While the engine is away its containers are known still, and the reason is told.
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
    ("HTTP/1.1 400 Bad Request\r\nContent-Length: 15\r\n\r\n{\"message\":\"no\"}", "answered 400: {\"message\":\"no\""),
    ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "not that of a Docker Engine API"),
    ("SSH-2.0-OpenSSH_9.2\r\n", "sock: "),
    ("", "closed the connection"),
  ]

  @Test(arguments: cases)
  func `an answer that is none names the socket and what is wrong`(answer: String, message: String) throws {
    let server = try UnixServer(answer)
    let engine = DockerEngine(
      RuntimeSocket(path: server.path, eventLoops: .singletonMultiThreadedEventLoopGroup, deadline: .seconds(20)))
    let error = try #require(throws: ProcFSError.self) { try engine.containers() }
    #expect("\(error)".contains(server.path))
    #expect("\(error)".contains(message), "\(error)")
  }

  @Test func `a socket that is not there, and one that does not answer, are named with the reason`() throws {
    let folder = try TemporaryFolder()
    let absent = DockerEngine(RuntimeSocket(path: folder.path + "/no.sock", eventLoops: .singletonMultiThreadedEventLoopGroup))
    #expect(throws: ProcFSError.system(.connect, path: folder.path + "/no.sock", code: ENOENT)) { try absent.containers() }
    let silent = try UnixServer(nil)
    let mute = DockerEngine(
      RuntimeSocket(path: silent.path, eventLoops: .singletonMultiThreadedEventLoopGroup, deadline: .milliseconds(50)))
    #expect(throws: ProcFSError.system(.connect, path: silent.path, code: ETIMEDOUT)) { try mute.containers() }
  }
}

/// Says one thing to whoever connects, and hangs up; says nothing and does not hang up if it is nothing.
final class UnixServer: Sendable {
  let path: String
  private let folder: TemporaryFolder
  private let descriptor: Int32

  init(_ answer: String?) throws {
    let folder = try TemporaryFolder()
    self.folder = folder
    path = folder.path + "/server.sock"
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    self.descriptor = descriptor
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let bound = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
    }
    guard bound == 0, listen(descriptor, 8) == 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
    guard let answer else { return }
    Thread {
      while true {
        let connection = accept(descriptor, nil, nil)
        if connection < 0 { return }
        var request = [UInt8](repeating: 0, count: 4096)
        _ = read(connection, &request, request.count)
        _ = answer.withCString { write(connection, $0, strlen($0)) }
        close(connection)
      }
    }.start()
  }

  deinit {
    shutdown(descriptor, Int32(SHUT_RDWR))
    close(descriptor)
  }
}
