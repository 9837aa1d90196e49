package import LinuxCollector
package import ProcFS

/// A container runtime that is asked over its socket.
package protocol ContainerRuntime {
  /// The path of its socket.
  var socket: String { get }

  /// The containers that run now.
  func containers() throws(ProcFSError) -> [RunningContainer]

  /// The number of the container's first process; `nil` where it does not run any more.
  func process(of id: ContainerID) throws(ProcFSError) -> Int32?
}

package struct RunningContainer: Hashable, Sendable {
  package var id: ContainerID
  package var podUID: String?
  package var role: ContainerRole

  package init(id: ContainerID, podUID: String?, role: ContainerRole) {
    self.id = id
    self.podUID = podUID
    self.role = role
  }
}

/// Finds containers by asking their runtime: for runtimes whose cgroups have names that tell nothing.
///
/// The list is asked for each time, a container's process once. While the runtime does not answer, as while it is restarted, the containers
/// of its last answer are still found: they go on running without it. It is then waited for once and not for each container.
package final class RuntimeLocator: ContainerLocator {
  private let runtime: any ContainerRuntime
  private let procFS: ProcFS
  private var processes: [ContainerID: LocatedProcess] = [:]
  private var known: [RunningContainer] = []
  private var isAnswering = true

  /// - Parameter procFS: of the PID namespace in which the runtime counts.
  package init(_ runtime: any ContainerRuntime, procFS: ProcFS) {
    self.runtime = runtime
    self.procFS = procFS
  }

  package func locate(_ buffer: ReadBuffer) -> LocatorResult {
    var problems: [ProcFSError] = []
    do {
      known = try runtime.containers().sorted { $0.id < $1.id }
      isAnswering = true
    } catch {
      isAnswering = false
      problems.append(error)
    }
    let ids = Set(known.map(\.id))
    processes = processes.filter { ids.contains($0.key) }
    for container in known where processes[container.id] == nil {
      do {
        processes[container.id] = try ask(container.id, buffer)
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
    // A container that was started anew keeps its ID and has another process. What the runtime says wrong is told by `locate`.
    processes[container.id] = (try? ask(container.id, buffer)) ?? nil
    return processes[container.id].map { [$0] } ?? []
  }

  /// `nil` where there is no process, and while the runtime does not answer.
  private func ask(_ id: ContainerID, _ buffer: ReadBuffer) throws(ProcFSError) -> LocatedProcess? {
    guard isAnswering else { return nil }
    do {
      return try findProcess(of: id, buffer)
    } catch {
      // A call that failed is of the runtime, an answer that makes no sense of this container alone.
      if case .system = error { isAnswering = false }
      throw error
    }
  }

  /// Asks twice: the number is still the container's after we looked at who has it, so it was the container's when we looked.
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
