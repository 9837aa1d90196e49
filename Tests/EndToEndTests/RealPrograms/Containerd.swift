import Foundation
import TestSupport
import Testing

/// A private containerd with its root, state, socket and images in a temporary folder; `stop()` removes everything.
///
/// `ctr` creates the containers in the kubelet's containerd namespace, in cgroups named as a kubelet with `--cgroup-root` names them (the
/// machine's own kubelet would kill containers in its cgroups), and in existing network namespaces, as a CNI plugin creates them: the
/// containers of a pod share one.
final class Containerd {
  static let image = "localhost/rollcall-test/busybox:1"
  static let isPermitted = geteuid() == 0
  static let condition: Comment = "needs root: containerd creates containers, cgroups and network namespaces"

  private let folder: TemporaryFolder
  private let daemon: ExternalProgram
  private let socket: String
  private var containers: [String] = []
  private let cgroupRoot = "rollcall-test-\(UUID().uuidString.prefix(8))"
  private var networkNamespaces: [String] = []

  init() async throws {
    folder = try TemporaryFolder()
    socket = "\(folder.path)/containerd.sock"
    let configuration = """
      version = 2
      root = "\(folder.path)/root"
      state = "\(folder.path)/state"
      disabled_plugins = ["io.containerd.grpc.v1.cri"]
      [grpc]
        address = "\(socket)"
      """
    try configuration.write(toFile: "\(folder.path)/config.toml", atomically: true, encoding: .utf8)
    daemon = try ExternalProgram(
      "containerd", ["--config", "\(folder.path)/config.toml"], log: "\(folder.path)/containerd.log")
    try await eventually("containerd serves its socket") { FileManager.default.fileExists(atPath: self.socket) }
    try BusyboxImage.write(named: Self.image, to: "\(folder.path)/image.tar", workFolder: folder.path)
    try ctr("image", "import", "\(folder.path)/image.tar")
  }

  /// Creates a network namespace for one pod, with its loopback interface up.
  func makeNetworkNamespace() throws -> String {
    let name = "rollcall-test-\(UUID().uuidString.prefix(8))"
    try Shell.run("ip", "netns", "add", name)
    networkNamespaces.append(name)
    try Shell.run("ip", "-n", name, "link", "set", "lo", "up")
    return name
  }

  /// The size of the volume of each container at /data.
  static let volumeBytes = 4 << 20

  /// Starts a container that runs `script` in busybox's shell.
  /// - Parameters:
  ///   - networkNamespace: `nil` for the network of the host.
  ///   - hostPrograms: whether to mount the host's programs and libraries read-only.
  /// - Returns: the ID of the container.
  func start(podUID: String, networkNamespace: String?, hostPrograms: Bool = false, script: String) throws -> String {
    let network = networkNamespace.map { ["--with-ns", "network:/var/run/netns/\($0)"] } ?? ["--net-host"]
    let volume = ["--mount", "type=tmpfs,src=tmpfs,dst=/data,options=size=\(Self.volumeBytes)"]
    let programs = hostPrograms ? ["/usr", "/lib", "/lib64"].filter(FileManager.default.fileExists(atPath:)).flatMap(Self.sharing) : []
    return try start(podUID: podUID, options: network + volume + programs, command: ["/bin/sh", "-c", script])
  }

  /// Starts a container with these options of `ctr run`.
  /// - Returns: the ID of the container.
  func start(podUID: String, options: [String], command: [String]) throws -> String {
    let id = (0..<32).map { _ in String(format: "%02x", UInt8.random(in: 0...255)) }.joined()
    containers.append(id)
    try ctr(
      ["run", "--detach", "--snapshotter", "overlayfs"] + options
        + ["--cgroup", "/\(cgroupRoot)/kubepods/besteffort/pod\(podUID)/\(id)", Self.image, id] + command)
    return id
  }

  /// The option that mounts a folder of the host read-only at the same path.
  static func sharing(_ folder: String) -> [String] { sharing(folder, at: folder) }

  static func sharing(_ folder: String, at path: String) -> [String] {
    ["--mount", "type=bind,src=\(folder),dst=\(path),options=rbind:ro"]
  }

  /// The PID of the container's first process.
  func process(of id: String) throws -> Int32 {
    let line = try ctr("task", "ls").split(separator: "\n").first { $0.hasPrefix(id) }
    guard let number = line?.split(separator: " ").dropFirst().first.flatMap({ Int32($0) }) else {
      throw CommandFailed(description: "container \(id) has no process")
    }
    return number
  }

  /// Kills a container and waits until it has stopped.
  func kill(_ id: String) async throws {
    try ctr("task", "kill", "--signal", "SIGKILL", id)
    try await eventually("container \(id.prefix(12)) has stopped") { self.isStopped(id) }
  }

  func stop() async {
    for id in containers {
      _ = try? ctr("task", "kill", "--signal", "SIGKILL", id)
      try? await eventually("container \(id.prefix(12)) has stopped") { self.isStopped(id) }
      _ = try? ctr("task", "delete", id)
      _ = try? ctr("container", "delete", id)
    }
    daemon.stop()
    for name in networkNamespaces { _ = try? Shell.run("ip", "netns", "delete", name) }
    // runc removes the cgroups of a container but not their parents, which a kubelet removes.
    _ = try? Shell.run("find", "/sys/fs/cgroup", "-depth", "-type", "d", "-path", "*/\(cgroupRoot)*", "-exec", "rmdir", "{}", ";")
  }

  private func isStopped(_ id: String) -> Bool {
    guard let tasks = try? ctr("task", "ls") else { return false }
    guard let line = tasks.split(separator: "\n").first(where: { $0.hasPrefix(id) }) else { return true }
    return line.contains("STOPPED")
  }

  @discardableResult
  private func ctr(_ arguments: String...) throws -> String {
    try ctr(arguments)
  }

  @discardableResult
  private func ctr(_ arguments: [String]) throws -> String {
    try Shell.run(arguments: ["ctr", "--address", socket, "--namespace", "k8s.io"] + arguments)
  }
}

/// An image with Debian's static busybox, in the layout of `docker save`.
enum BusyboxImage {
  static func write(named name: String, to path: String, workFolder: String) throws {
    let root = "\(workFolder)/image/rootfs/bin"
    try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
    try FileManager.default.copyItem(atPath: try requireProgram("busybox", package: "busybox-static"), toPath: "\(root)/busybox")
    for applet in ["sh", "nc", "sleep", "cat"] {
      try FileManager.default.createSymbolicLink(atPath: "\(root)/\(applet)", withDestinationPath: "busybox")
    }
    let image = "\(workFolder)/image"
    try Shell.run("tar", "--create", "--file", "\(image)/layer.tar", "--directory", "\(image)/rootfs", ".")
    let layer = try sha256("\(image)/layer.tar")
    let architecture = try Shell.run("dpkg", "--print-architecture").trimmingCharacters(in: .whitespacesAndNewlines)
    let configuration = """
      {"architecture":"\(architecture)","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":["sha256:\(layer)"]}}
      """
    try configuration.write(toFile: "\(image)/config.json", atomically: true, encoding: .utf8)
    let configurationName = "\(try sha256("\(image)/config.json")).json"
    try FileManager.default.moveItem(atPath: "\(image)/config.json", toPath: "\(image)/\(configurationName)")
    try #"[{"Config":"\#(configurationName)","RepoTags":["\#(name)"],"Layers":["layer.tar"]}]"#
      .write(toFile: "\(image)/manifest.json", atomically: true, encoding: .utf8)
    try Shell.run("tar", "--create", "--file", path, "--directory", image, "manifest.json", configurationName, "layer.tar")
  }

  private static func sha256(_ path: String) throws -> String {
    String(try Shell.run("sha256sum", path).prefix(64))
  }
}
