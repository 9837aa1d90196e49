internal import ProcFS

/// The kind of program that a container's first process runs.
package enum ContainerProgram: Hashable, Sendable {
  /// That of a pause container, which only keeps the namespaces of its pod alive.
  case pause
  /// One that runs the containers of a pod in a sandbox: gVisor's or a virtual machine.
  case sandbox
  case other

  /// Reads it; `other` if the process has ended.
  init(of process: borrowing ProcessDirectory, _ buffer: ReadBuffer) {
    let command = (try? process.command(buffer)) ?? ""
    if Self.isPause(command) {
      self = .pause
    } else if Self.virtualMachines.contains(where: command.hasPrefix) {
      self = .sandbox
    } else if command == "exe", (try? process.firstArgument(buffer))?.hasPrefix("runsc") == true {
      // gVisor starts its own program again, by the name /proc/self/exe.
      self = .sandbox
    } else {
      self = .other
    }
  }

  static func isPause(_ command: String) -> Bool {
    // OpenShift's is `pod`.
    command == "pause" || command == "pod"
  }

  /// The programs of Kata Containers, as far as the kernel keeps their names.
  private static let virtualMachines = ["qemu-", "cloud-hyperviso", "firecracker", "stratovirt"]
}
