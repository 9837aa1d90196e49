import Foundation
import LinuxCollector
import NIOCore
import NIOPosix
import Primitives
import ProcFS
import Protobuf
import Roll
import TestSupport
import Testing

@testable import ContainerRuntimes

@Suite(
  .ownThread, .serialized, .timeLimit(.minutes(3)),
  .enabled(if: geteuid() == 0 && findProgram("containerd") != nil, "needs root and containerd (Debian: containerd, runc)"))
struct CRITests {
  private let buffer = ReadBuffer()

  @Test func `containers of a real containerd are found by its CRI socket, with their volumes`() async throws {
    let containerd = try await CRIContainerd()
    let volume = "\(containerd.folder.path)/volume"
    try FileManager.default.createDirectory(atPath: volume, withIntermediateDirectories: true)
    try await runCommand("mount", "-t", "tmpfs", "-o", "size=4m", "none", volume)
    do {
      let pod = try containerd.runPod(uid: "0b1ffb26-1d2c-4d0c-8d3c-5f7e7f5d0c11", name: "web-0")
      let first = try pod.start("app", volume: volume)
      let second = try pod.start("sidecar")

      let locator = RuntimeLocator(CRIRuntime(containerd.socket), procFS: ProcFS())
      let location = locator.locate(buffer)
      #expect(location.problems.isEmpty)
      // Pause containers are not listed.
      #expect(Set(location.containers.map(\.id)) == [first, second])
      #expect(location.containers.allSatisfy { $0.podUID == pod.uid && $0.role == .application })
      for container in location.containers {
        let process = try #require(container.processes.first)
        try await eventually("the container's program runs") { try process.open(ProcFS(), buffer).command(buffer) == "sleep" }
      }

      // The pause container's.
      let podID = try #require(ContainerID(pod.id))
      let sandbox = try #require(try CRIRuntime(containerd.socket).process(ofSandbox: podID))
      #expect(!location.containers.flatMap(\.processes).map(\.identifier).contains(sandbox))
      #expect(locator.processes(ofPod: pod.uid, buffer).isEmpty)

      let report = FilesystemMonitor(procFS: ProcFS(), now: { Moment(milliseconds: 0) }).read(location.containers)
      let readings = try #require(report.containers.first { $0.id == first }).readings
      let data = try #require(readings.first { $0.mountPoint == "/data" })
      #expect(try data.usage.get().size == 4 << 20)
      #expect(data.type == "tmpfs")
      #expect(readings.first { $0.mountPoint == "/" }?.type == "overlay")
      #expect(!readings.contains { $0.mountPoint.hasPrefix("/etc/") || $0.mountPoint.hasPrefix("/proc/") || $0.mountPoint == "/dev" })

      // One container ends; then the socket disappears, and the last list remains.
      try pod.stop(second)
      #expect(locator.locate(buffer).containers.map(\.id) == [first])
      let path = containerd.socket.path
      try FileManager.default.moveItem(atPath: path, toPath: path + ".away")
      defer { try? FileManager.default.moveItem(atPath: path + ".away", toPath: path) }
      let remembered = locator.locate(buffer)
      #expect(remembered.containers.map(\.id) == [first])
      #expect(remembered.problems == [.system(.connect, path: path, code: ENOENT)])
      let sweep = LinuxSweeper(procFS: ProcFS(), locator: locator, now: { Moment(milliseconds: 0) }).sweep()
      // The container is in the test's network namespace, which may differ from that of process 1.
      let isMissed = sweep.containers.map { if case .missed = $0.finding { true } else { false } }
      #expect(isMissed == [false])
    } catch {
      await containerd.cleanUp()
      try await runCommand("umount", volume)
      throw error
    }
    await containerd.cleanUp()
    try await runCommand("umount", volume)
  }

  @Test func `a containerd with CRI disabled is distinguished from one without containers`() async throws {
    let containerd = try await CRIContainerd(hasCRI: false)
    let location = RuntimeLocator(CRIRuntime(containerd.socket), procFS: ProcFS()).locate(buffer)
    let message = location.problems.map(String.init(describing:)).joined()
    #expect(message.hasPrefix("\(containerd.socket.path): ListContainers failed with gRPC code 12"))
    #expect(message.contains("the runtime does not serve CRI v1"))
    containerd.daemon.stop()
  }

  @Test func `a server that does not speak gRPC is reported`() throws {
    let server = try UnixServer("HTTP/1.1 400 Bad Request\r\n\r\n")
    let runtime = CRIRuntime(RuntimeSocket(path: server.path, eventLoops: .singletonMultiThreadedEventLoopGroup, deadline: .seconds(20)))
    let error = try #require(throws: ProcFSError.self) { try runtime.containers() }
    #expect("\(error)".contains(server.path))
  }
}

/// A containerd with the CRI plugin. Its pods are on the host's network, which needs no CNI.
final class CRIContainerd {
  private static let image = "localhost/rollcall-test/sleep:1"

  let folder: TemporaryFolder
  let daemon: ExternalProgram
  let socket: RuntimeSocket
  private let cgroup = "rollcall-test-\(UUID().uuidString.prefix(8))"
  private var sandboxes: [String] = []

  init(hasCRI: Bool = true) async throws {
    folder = try TemporaryFolder()
    let socketPath = "\(folder.path)/containerd.sock"
    socket = RuntimeSocket(path: socketPath, eventLoops: .singletonMultiThreadedEventLoopGroup)
    let configuration = """
      version = 2
      root = "\(folder.path)/root"
      state = "\(folder.path)/state"
      disabled_plugins = [\(hasCRI ? "" : "\"io.containerd.grpc.v1.cri\"")]
      [grpc]
        address = "\(socketPath)"
      [plugins."io.containerd.grpc.v1.cri"]
        sandbox_image = "\(Self.image)"
        restrict_oom_score_adj = true
        stream_server_port = "0"
      [plugins."io.containerd.grpc.v1.cri".cni]
        bin_dir = "\(folder.path)/cni/bin"
        conf_dir = "\(folder.path)/cni/net.d"
      """
    let file = try folder.write(configuration, to: "config.toml")
    daemon = try ExternalProgram("containerd", ["--config", file], log: "\(folder.path)/containerd.log")
    try await eventually("containerd responds") { (try? await runCommand("ctr", "--address", socketPath, "version")) != nil }
    guard hasCRI else { return }
    try BusyboxRoot.make(at: "\(folder.path)/image/root")
    try await runCommand("tar", "--create", "--directory", "\(folder.path)/image/root", "--file", "\(folder.path)/image/layer.tar", ".")
    let layer = try await runCommand("sha256sum", "\(folder.path)/image/layer.tar").prefix(64)
    let architecture = try await runCommand("dpkg", "--print-architecture").trimmingCharacters(in: .whitespacesAndNewlines)
    _ = try folder.write(
      """
      {"architecture":"\(architecture)","os":"linux","config":{"Entrypoint":["/bin/sleep","100000"]},
       "rootfs":{"type":"layers","diff_ids":["sha256:\(layer)"]}}
      """, to: "image/config.json")
    _ = try folder.write(
      #"[{"Config":"config.json","RepoTags":["\#(Self.image)"],"Layers":["layer.tar"]}]"#, to: "image/manifest.json")
    try await runCommand(
      "tar", "--create", "--directory", "\(folder.path)/image", "--file", "\(folder.path)/image.tar", "manifest.json", "config.json",
      "layer.tar")
    try await runCommand("ctr", "--address", socketPath, "--namespace", "k8s.io", "image", "import", "\(folder.path)/image.tar")
  }

  /// Ends all pods, then the daemon: shims outlive it and would block waiting for its end.
  func cleanUp() async {
    for sandbox in sandboxes {
      try? await eventually("the pod is gone") {
        _ = try? self.call("StopPodSandbox", Message.text(1, sandbox))
        return (try? self.call("RemovePodSandbox", Message.text(1, sandbox))) != nil
      }
    }
    daemon.stop()
    // Removes the pods' cgroups, as the kubelet does.
    _ = try? await runCommand("find", "/sys/fs/cgroup", "-depth", "-type", "d", "-path", "*/\(cgroup)*", "-exec", "rmdir", "{}", ";")
  }

  /// Field numbers are those of the CRI messages.
  func runPod(uid: String, name: String) throws -> CRIPod {
    let metadata = Message.text(1, name) + Message.text(2, uid) + Message.text(3, "default")
    let hostNetwork = Message.bytes(2, Message.bytes(1, Message.number(1, 2)))
    let configuration =
      Message.bytes(1, metadata) + Message.text(3, "\(folder.path)/logs")
      + Message.bytes(8, Message.text(1, "/\(cgroup)/pod\(uid)") + hostNetwork)
    let id = try text(1, of: call("RunPodSandbox", Message.bytes(1, configuration)))
    sandboxes.append(id)
    return CRIPod(containerd: self, uid: uid, id: id, configuration: configuration)
  }

  fileprivate func start(_ name: String, in pod: CRIPod, volume: String?) throws -> ContainerID {
    var configuration = Message.bytes(1, Message.text(1, name)) + Message.bytes(2, Message.text(1, Self.image))
    if let volume { configuration += Message.bytes(7, Message.text(1, "/data") + Message.text(2, volume)) }
    configuration += Message.map(9, "io.kubernetes.pod.uid", pod.uid) + Message.bytes(15, [])
    let request = Message.text(1, pod.id) + Message.bytes(2, configuration) + Message.bytes(3, pod.configuration)
    let id = try text(1, of: call("CreateContainer", request))
    try call("StartContainer", Message.text(1, id))
    return try #require(ContainerID(id))
  }

  @discardableResult
  fileprivate func call(_ method: String, _ message: [UInt8]) throws -> [UInt8] {
    switch try socket.call("/runtime.v1.RuntimeService/" + method, message) {
    case .message(let response): return response
    case .failure(let code, let text): throw CommandFailed(description: "\(method): \(code.rawValue) \(text)")
    }
  }

  private func text(_ number: Int, of message: [UInt8]) throws -> String {
    var fields = ProtobufReader(message[...])
    while let field = try fields.next() {
      if field.number == number { return String(decoding: field.bytes, as: UTF8.self) }
    }
    throw CommandFailed(description: "no field \(number)")
  }
}

struct CRIPod {
  let containerd: CRIContainerd
  let uid: String
  let id: String
  let configuration: [UInt8]

  func start(_ name: String, volume: String? = nil) throws -> ContainerID {
    try containerd.start(name, in: self, volume: volume)
  }

  func stop(_ container: ContainerID) throws {
    try containerd.call("StopContainer", Message.text(1, container.description))
  }
}
