internal import ProcFS
internal import Roll
internal import Synchronization

/// Looks at the file systems of a list of containers, by a helper thread that is left to its fate when a file system does not answer.
///
/// The caller minds the helper. Where that makes no step for `deadline`, the file system that it waits for is taken for hung, and another
/// helper goes on. A hung file system is not asked again before it let go of its helper. What bounds the helpers is `remoteLimit`: where so
/// many hang, only file systems are asked that this machine's kernel keeps itself; and where those hang too, `limit`: then nobody is.
final class FilesystemLook: Sendable {
  private static let remoteLimit = 8
  private static let limit = 12

  private let procFS: ProcFS
  private let deadline: Duration
  private let now: @Sendable () -> Moment
  private let state = Mutex(State())
  private let ended: ThreadSignal
  /// Held by whoever looks.
  private let turn = Mutex(())

  private struct State {
    var lastHelper = 0
    /// The helpers that were given up and did not come back, over all looks, with the file system that each waits for if it is one.
    var stuck: [Int: DeviceNumber?] = [:]
    var pass = Pass()
  }

  /// One look, as far as it has come.
  private struct Pass {
    var containers: [LocatedContainer] = []
    var next = 0
    /// Who works on it; the others were given up.
    var helper = 0
    var steps = 0
    var waitsFor: DeviceNumber?
    var usages: [DeviceNumber: FilesystemUsage] = [:]
    var results: [ContainerFilesystems] = []
  }

  init(procFS: ProcFS, deadline: Duration, now: @escaping @Sendable () -> Moment) {
    self.procFS = procFS
    self.deadline = deadline
    self.now = now
    ended = ThreadSignal()
  }

  /// Blocks until all are looked at, one look at a time; each file system that is found to hang costs `deadline`.
  func run(_ containers: [LocatedContainer]) -> FilesystemReport {
    turn.withLock { _ in look(containers) }
  }

  private func look(_ containers: [LocatedContainer]) -> FilesystemReport {
    state.withLock { state in
      state.pass = Pass()
      state.pass.containers = containers.filter { $0.role != .sandbox }
    }
    while let helper = startHelper() {
      var steps = -1
      while !ended.wait(deadline), stillMoves(helper, since: &steps) {}
      if giveUp(helper) == .done { break }
    }
    return state.withLock { state in
      // Nobody is left to ask for the others.
      let rest = state.pass.containers[state.pass.next...].map { ContainerFilesystems(id: $0.id, podUID: $0.podUID, failure: .hung) }
      let hung = Set(state.stuck.values.compactMap(\.self)).count
      defer { state.pass = Pass() }
      return FilesystemReport(containers: state.pass.results + rest, readAt: now(), hung: hung)
    }
  }

  // MARK: The one who minds

  private func startHelper() -> Int? {
    let helper: Int? = state.withLock { state in
      guard state.stuck.count < Self.limit else { return nil }
      state.lastHelper += 1
      state.pass.helper = state.lastHelper
      return state.lastHelper
    }
    guard let helper else { return nil }
    ended.reset()
    return DetachedThread.start { self.help(helper) } ? helper : nil
  }

  private func stillMoves(_ helper: Int, since steps: inout Int) -> Bool {
    let current = state.withLock { $0.pass.steps }
    defer { steps = current }
    return current != steps
  }

  private enum Outcome {
    case done, unfinished
  }

  private func giveUp(_ helper: Int) -> Outcome {
    state.withLock { state in
      if state.pass.next == state.pass.containers.count { return .done }
      state.stuck[helper] = .some(state.pass.waitsFor)
      state.pass.helper = 0
      if state.pass.waitsFor == nil {
        // It hangs at the process, not at a file system of it: the next helper passes the container over.
        let container = state.pass.containers[state.pass.next]
        state.pass.results.append(ContainerFilesystems(id: container.id, podUID: container.podUID, failure: .hung))
        state.pass.next += 1
      }
      state.pass.waitsFor = nil
      return .unfinished
    }
  }

  // MARK: The helper

  private func help(_ helper: Int) {
    let buffer = ReadBuffer()
    let machineRoot = try? procFS.withHostProcess(buffer) { process throws(ProcFSError) in try process.root() }
    while let container = container(for: helper) {
      let result = read(container, machineRoot, buffer, helper)
      guard finish(result, helper) else { break }
    }
    let isCurrent = state.withLock { state in
      state.stuck[helper] = nil
      return state.pass.helper == helper
    }
    if isCurrent { ended.send() }
  }

  private func container(for helper: Int) -> LocatedContainer? {
    state.withLock { state in
      guard state.pass.helper == helper, state.pass.next < state.pass.containers.count else { return nil }
      state.pass.steps += 1
      return state.pass.containers[state.pass.next]
    }
  }

  /// - Returns: false where the helper was given up meanwhile.
  private func finish(_ result: ContainerFilesystems?, _ helper: Int) -> Bool {
    state.withLock { state in
      guard state.pass.helper == helper else { return false }
      if let result { state.pass.results.append(result) }
      state.pass.next += 1
      return true
    }
  }

  /// - Parameter machineRoot: the machine's root directory, where it may be known. A container's first process is in it until the runtime has
  ///   made the mounts; up to then what it sees is not the container's.
  /// - Returns: `nil` for a container that has gone or not begun, and for one that does nothing.
  private func read(
    _ container: LocatedContainer, _ machineRoot: RootDirectory?, _ buffer: ReadBuffer, _ helper: Int
  ) -> ContainerFilesystems? {
    for located in container.processes where located.identifier != 0 {
      do {
        let process = try located.hold(procFS, buffer)
        if container.podUID != nil, try process.command(buffer) == "pause" { return nil }
        if let machineRoot, (try? process.root()) == machineRoot { return nil }
        let mounts = FilesystemChoice.mounts(try process.mounts(buffer, where: FilesystemChoice.isWanted(type:)))
        var result = ContainerFilesystems(id: container.id, podUID: container.podUID)
        result.leftOut = max(0, mounts.count - FilesystemChoice.maximumPerContainer)
        for mount in mounts.prefix(FilesystemChoice.maximumPerContainer) {
          if let reading = try read(mount, of: process, helper) { result.readings.append(reading) }
        }
        return result
      } catch let error where error.isGone {
        continue
      } catch {
        return ContainerFilesystems(id: container.id, podUID: container.podUID, failure: FilesystemFailure(error))
      }
    }
    return nil
  }

  /// - Returns: `nil` for a mount that another one was mounted over, and for a file system without a size.
  /// - Throws: where the process is gone.
  private func read(_ mount: MountInfo, of process: borrowing ProcessDirectory, _ helper: Int) throws(ProcFSError) -> FilesystemReading? {
    var reading = FilesystemReading(
      mountPoint: mount.mountPoint, device: mount.source, type: mount.type, usage: .failure(.hung))
    switch begin(mount, helper) {
    case .known(let usage): reading.usage = .success(usage)
    case .hangs: break
    case .ask:
      do {
        let usage = try process.usage(of: mount)
        end(mount.device, usage, helper)
        if usage.size == 0 { return nil }
        reading.usage = .success(usage)
      } catch {
        end(mount.device, nil, helper)
        // Either the mount is gone, or the process: then what is read next says so.
        if error.isGone { return nil }
        reading.usage = .failure(FilesystemFailure(error))
      }
    }
    return reading
  }

  private enum Question {
    case ask, hangs
    case known(FilesystemUsage)
  }

  private func begin(_ mount: MountInfo, _ helper: Int) -> Question {
    state.withLock { state in
      if let usage = state.pass.usages[mount.device], state.pass.helper == helper { return .known(usage) }
      if state.stuck.values.contains(.some(mount.device)) { return .hangs }
      if state.stuck.count >= Self.remoteLimit, !FilesystemChoice.isOfThisMachine(type: mount.type) { return .hangs }
      guard state.pass.helper == helper else { return .hangs }
      state.pass.steps += 1
      state.pass.waitsFor = mount.device
      return .ask
    }
  }

  private func end(_ device: DeviceNumber, _ usage: FilesystemUsage?, _ helper: Int) {
    state.withLock { state in
      guard state.pass.helper == helper else { return }
      state.pass.waitsFor = nil
      if let usage { state.pass.usages[device] = usage }
    }
  }
}
