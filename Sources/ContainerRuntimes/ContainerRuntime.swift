package import LinuxCollector
package import Primitives
package import ProcFS

/// A container runtime, queried over its socket.
package protocol ContainerRuntime {
  /// The path of the socket.
  var socket: String { get }

  /// The running containers.
  func containers() throws(ProcFSError) -> [RunningContainer]

  /// The PID of the container's first process; `nil` if the container is not running.
  func process(of id: ContainerID) throws(ProcFSError) -> Int32?

  /// The PID of the first process of a pod's sandbox, such as its pause container; `nil` if it has none or the runtime does not report it.
  func process(ofSandbox id: ContainerID) throws(ProcFSError) -> Int32?
}

package struct RunningContainer: Hashable, Sendable {
  package var id: ContainerID
  package var podUID: String?
  package var role: ContainerRole
  /// The pod's sandbox; `nil` outside Kubernetes.
  package var sandbox: ContainerID?

  package init(id: ContainerID, podUID: String?, role: ContainerRole, sandbox: ContainerID? = nil) {
    self.id = id
    self.podUID = podUID
    self.role = role
    self.sandbox = sandbox
  }
}

/// Finds containers through their runtime, for runtimes whose cgroup names do not contain container IDs.
///
/// A container whose process is that of the pod's sandbox has none of its own on the host: gVisor and Kata Containers report the sandbox or
/// the virtual machine for each container.
///
/// It queries the list of containers each time, and the process of each container and sandbox once. While the runtime does not respond, for
/// example during a restart, it returns the containers of the last response, which keep running. It then waits for one timeout and not for
/// one per container.
package final class RuntimeLocator: ContainerLocator {
  private let runtime: any ContainerRuntime
  private let procFS: ProcFS
  private var processes: [ContainerID: LocatedProcess] = [:]
  /// The processes of the sandboxes that containers run in.
  private var sandboxesAround: [ContainerID: LocatedProcess] = [:]
  /// PIDs by sandbox.
  private var sandboxes: [ContainerID: Int32] = [:]
  private var known: [RunningContainer] = []
  private var isResponding = true

  /// - Parameter procFS: of the PID namespace that the runtime's PIDs belong to.
  package init(_ runtime: any ContainerRuntime, procFS: ProcFS) {
    self.runtime = runtime
    self.procFS = procFS
  }

  package func locate(_ buffer: ReadBuffer) -> LocatorResult {
    var problems: [ProcFSError] = []
    do {
      known = try runtime.containers().sorted { $0.id < $1.id }
      isResponding = true
    } catch {
      isResponding = false
      problems.append(error)
    }
    let ids = Set(known.map(\.id))
    processes = processes.filter { ids.contains($0.key) }
    sandboxesAround = sandboxesAround.filter { ids.contains($0.key) }
    let sandboxIDs = Set(known.lazy.compactMap(\.sandbox))
    sandboxes = sandboxes.filter { sandboxIDs.contains($0.key) }
    for container in known where processes[container.id] == nil && sandboxesAround[container.id] == nil {
      do {
        try find(container, buffer)
      } catch {
        problems.append(error)
      }
    }
    let containers = known.map { container in
      LocatedContainer(
        id: container.id, podUID: container.podUID, role: container.role, origin: runtime.socket,
        processes: processes[container.id].map { [$0] } ?? [])
    }
    return LocatorResult(containers: containers, problems: problems, searchedPaths: [runtime.socket])
  }

  package func processes(of container: LocatedContainer, _ buffer: ReadBuffer) -> [LocatedProcess] {
    // A restarted container has the same ID and a new process. Errors are reported by `locate`.
    processes[container.id] = nil
    if let running = known.first(where: { $0.id == container.id }) { try? find(running, buffer) }
    return processes[container.id].map { [$0] } ?? []
  }

  package func processes(ofPod podUID: String, _ buffer: ReadBuffer) -> [PodProcess] {
    known.lazy.filter { $0.podUID == podUID }.compactMap { self.sandboxesAround[$0.id] }.prefix(1)
      .map { PodProcess(identifier: $0.identifier, container: nil) }
  }

  /// Finds the container's process. There is none if it is not running, or the runtime does not respond.
  private func find(_ container: RunningContainer, _ buffer: ReadBuffer) throws(ProcFSError) {
    guard isResponding else { return }
    do {
      guard let process = try findProcess(of: container.id, buffer) else { return }
      if let sandbox = container.sandbox {
        if sandboxes[sandbox] == nil { sandboxes[sandbox] = try runtime.process(ofSandbox: sandbox) }
        if sandboxes[sandbox] == process.identifier {
          sandboxesAround[container.id] = process
          return
        }
      }
      processes[container.id] = process
    } catch {
      // A failed call affects the whole runtime, an invalid response only this container.
      if case .system = error { isResponding = false }
      throw error
    }
  }

  /// Queries the PID twice: if it is unchanged after the start time was read, the start time is that of the container's process.
  private func findProcess(of id: ContainerID, _ buffer: ReadBuffer) throws(ProcFSError) -> LocatedProcess? {
    do {
      guard let number = try runtime.process(of: id) else { return nil }
      let ticks = try procFS.process(number).stat(buffer).startTicks
      guard try runtime.process(of: id) == number else { return nil }
      return LocatedProcess(identifier: number, membership: .started(ticks: ticks))
    } catch let error where error.isGone {
      return nil
    }
  }
}
