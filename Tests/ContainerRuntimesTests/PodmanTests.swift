import Foundation
import LinuxCollector
import NIOPosix
import Primitives
import ProcFS
import Roll
import TestSupport
import Testing

@testable import ContainerRuntimes

@Suite(.ownThread, .serialized, .timeLimit(.minutes(3)))
struct PodmanTests {
  private let buffer = ReadBuffer()

  @Test(.enabled(if: geteuid() == 0 && findProgram("podman") != nil, "needs root and podman (Debian: podman, runc)"))
  func `containers of a real Podman are found by its socket and by their cgroups`() async throws {
    let podman = try await Podman()
    do {
      let plain = try await podman.start("plain")
      let parented = try await podman.start("parented", "--cgroup-parent", "/\(podman.cgroup)")
      // A pod's cgroup is named like a container's, and an infra container holds the pod's network.
      let pod = try await podman.createPod("pod")
      let member = try await podman.start("member", "--pod", "pod")
      // Below a custom parent, only its children distinguish the pod's cgroup from a container of Docker.
      let parentedPod = try await podman.createPod("parented-pod", "--cgroup-parent", "/\(podman.cgroup)")
      let parentedMember = try await podman.start("parented-member", "--pod", "parented-pod")

      let bySocket = RuntimeLocator(
        DockerEngine(RuntimeSocket(path: podman.socket, eventLoops: .singletonMultiThreadedEventLoopGroup)), procFS: ProcFS())
      let location = bySocket.locate(buffer)
      #expect(location.problems.isEmpty)
      #expect(location.containers.count == 6)
      #expect(Set([plain, parented, member, parentedMember]).isSubset(of: location.containers.map(\.id)))
      let sweep = LinuxSweeper(procFS: ProcFS(), locator: bySocket, now: { Moment(milliseconds: 0) }).sweep()
      #expect(sweep.namespaces.count == 4, "a pod's two containers share one")

      // The host may have other containers.
      let byCgroup = CgroupLocator(now: { Moment(milliseconds: 0) }).locate(buffer).containers
      for container in location.containers {
        let same = try #require(byCgroup.first { $0.id == container.id }, "\(container.id) has no cgroup")
        let commands = try same.processes.map { try $0.open(ProcFS(), buffer).command(buffer) }
        #expect(commands == ["sleep"], "\(same.origin)")
      }
      // Neither pods nor monitors are containers.
      #expect(!byCgroup.contains { [pod, parentedPod].contains($0.id.description) })
      let below = byCgroup.filter { $0.origin.contains(podman.cgroup) }.map(\.id)
      #expect(below.count == 3, "one container, and two of the pod")
      #expect(Set([parented, parentedMember]).isSubset(of: below))
    } catch {
      await podman.cleanUp()
      throw error
    }
    await podman.cleanUp()
  }
}

/// A Podman with its own storage and service, and the cgroupfs driver.
final class Podman {
  static let image = "localhost/rollcall-test/busybox:1"

  let socket: String
  /// A custom cgroup parent.
  let cgroup = "rollcall-test-\(UUID().uuidString.prefix(8))"
  private let folder: TemporaryFolder
  private let service: ExternalProgram
  private let arguments: [String]
  private let environment: [String: String]

  init() async throws {
    folder = try TemporaryFolder()
    socket = "\(folder.path)/podman.sock"
    arguments = [
      "--root", "\(folder.path)/root", "--runroot", "\(folder.path)/run", "--tmpdir", "\(folder.path)/tmp", "--storage-driver", "vfs",
      "--cgroup-manager", "cgroupfs", "--events-backend", "file", "--runtime", "runc",
    ]
    // Podman's default limits exceed what a test may set.
    let configuration = try folder.write(
      "[containers]\ndefault_ulimits = [\"nofile=1024:1024\", \"nproc=1024:1024\"]\n", to: "containers.conf")
    environment = ["CONTAINERS_CONF": configuration]
    service = try ExternalProgram(
      "podman", arguments + ["system", "service", "--time", "0", "unix://\(socket)"], environment: environment,
      log: "\(folder.path)/service.log")
    try await eventually("Podman serves its socket") { FileManager.default.fileExists(atPath: self.socket) }
    try BusyboxRoot.make(at: "\(folder.path)/busybox")
    _ = try await runCommand(
      "tar", "--create", "--directory", "\(folder.path)/busybox", "--file", "\(folder.path)/busybox.tar", ".")
    try await run("import", "\(folder.path)/busybox.tar", Self.image)
  }

  func start(_ name: String, _ options: String...) async throws -> ContainerID {
    let network = options.contains("--pod") ? [] : ["--network", "none"]
    let output = try await run(["run", "--detach", "--name", name] + network + options + [Self.image, "/bin/sleep", "1000"])
    return try #require(ContainerID(output), "\(output)")
  }

  /// - Returns: the pod's ID.
  func createPod(_ name: String, _ options: String...) async throws -> String {
    try await run(
      ["pod", "create", "--name", name, "--network", "none", "--infra-image", Self.image, "--infra-command", "/bin/sleep 1000"] + options)
  }

  /// - Returns: the last line of the output, the ID of the created object.
  @discardableResult
  func run(_ command: String...) async throws -> String {
    try await run(command)
  }

  @discardableResult
  private func run(_ command: [String]) async throws -> String {
    let log = try TemporaryFolder()
    let program = try ExternalProgram("podman", arguments + command, environment: environment, log: "\(log.path)/log")
    let status = try await program.waitForExit()
    guard status == 0 else { throw CommandFailed(description: "podman \(command) ended with \(status): \(program.output)") }
    return program.output.split(separator: "\n").last.map(String.init) ?? ""
  }

  func cleanUp() async {
    _ = try? await run("pod", "rm", "--force", "--time", "0", "--all")
    _ = try? await run("rm", "--force", "--time", "0", "--all")
    service.stop()
    // A container's monitor ends shortly after it.
    try? await eventually("the cgroups are gone") {
      let pattern = "*/\(self.cgroup)*"
      let removal = try? await runCommand(
        "find", "/sys/fs/cgroup", "-depth", "-type", "d", "-path", pattern, "-delete")
      return removal != nil
    }
  }
}
