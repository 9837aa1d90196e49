import Foundation
import LinuxCollector
import Primitives
import ProcFS
import Roll
import TestSupport
import Testing

/// A process in its own mount namespace and root directory, which stands in for a container's process. Its mounts end with it.
final class MountNamespace {
  static let isPermitted = geteuid() == 0

  let tree: FixtureTree
  let id: ContainerID
  let program: ExternalProgram
  /// The script's working directory, initially empty.
  let folder: String

  /// Runs `script` with a shell and waits for its end. It may leave programs running in the background.
  init(podUID: String? = nil, _ script: String) async throws {
    tree = try FixtureTree()
    folder = tree.folder.path + "/mounts"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let file = try tree.folder.write("cd '\(folder)'\nset -e\n\(script)\necho is ready\nexec sleep 1000\n", to: "mounts.sh")
    program = try ExternalProgram(
      "unshare", ["--mount", "sh", "-c", OwnRoot.script(at: tree.folder.path + "/root", running: file)],
      log: tree.folder.path + "/mounts.log")
    _ = try await program.waitForLine(containing: "is ready")
    try tree.unify()
    try tree.cgroup((podUID.map { "kubepods/pod\($0)" } ?? "docker") + "/\(containerID("1"))", [program.processIdentifier])
    id = try #require(ContainerID(containerID("1")))
  }

  deinit {
    program.send(signal: SIGKILL)
    program.stop()
  }

  var containers: [LocatedContainer] { tree.locator.locate(ReadBuffer()).containers }

  /// The file systems mounted in the script's directory, by name.
  func usages(_ report: FilesystemReport) throws -> [String: Result<FilesystemUsage, FilesystemFailure>] {
    let container = try #require(report.containers.first { $0.id == id })
    #expect(container.failure == nil)
    return Dictionary(
      uniqueKeysWithValues: container.readings.filter { $0.mountPoint.hasPrefix(folder + "/") }.map {
        (String($0.mountPoint.dropFirst(folder.count + 1)), $0.usage)
      })
  }
}
