internal import ProcFS
internal import Roll
internal import Synchronization

/// Reads the file systems of containers on a helper thread, which is abandoned if a file system does not respond.
///
/// The caller supervises the helper. If it makes no progress for `deadline`, the file system it waits for counts as hung, and another
/// helper continues. A hung file system is not queried again until it releases its helper. The number of abandoned helpers is bounded: from
/// `remoteLimit` on, only local file systems are queried, and from `limit` on, none.
final class FilesystemProbe: Sendable {
  private static let remoteLimit = 8
  private static let limit = 12

  private let procFS: ProcFS
  private let deadline: Duration
  private let now: @Sendable () -> Moment
  private let state = Mutex(State())
  private let ended: ThreadSignal
  /// Held during a run.
  private let runLock = Mutex(())

  private struct State {
    var lastHelper = 0
    /// The abandoned helpers that have not returned, of all runs, with the file system that each waits for; `nil` if it waits for a
    /// process.
    var stuck: [Int: DeviceNumber?] = [:]
    var run = Run()
  }

  /// The progress of one run.
  private struct Run {
    var containers: [LocatedContainer] = []
    var next = 0
    /// The current helper; all others are abandoned.
    var helper = 0
    var steps = 0
    var waitsFor: DeviceNumber?
    var usages: [FilesystemPart: FilesystemUsage] = [:]
    var results: [ContainerFilesystems] = []
  }

  init(procFS: ProcFS, deadline: Duration, now: @escaping @Sendable () -> Moment) {
    self.procFS = procFS
    self.deadline = deadline
    self.now = now
    ended = ThreadSignal()
  }

  /// Blocks until all containers are read, one run at a time. Each file system found to hang takes `deadline`.
  func run(_ containers: [LocatedContainer]) -> FilesystemReport {
    runLock.withLock { _ in runAlone(containers) }
  }

  private func runAlone(_ containers: [LocatedContainer]) -> FilesystemReport {
    state.withLock { state in
      state.run = Run()
      state.run.containers = containers.filter { $0.role != .sandbox }
    }
    while let helper = startHelper() {
      var steps = -1
      while !ended.wait(deadline), makesProgress(helper, since: &steps) {}
      if abandon(helper) == .done { break }
    }
    return state.withLock { state in
      // The remaining containers, if the limit of helpers was reached.
      let rest = state.run.containers[state.run.next...].map { ContainerFilesystems($0, failure: .notAsked) }
      let hung = Set(state.stuck.values.compactMap(\.self)).count
      defer { state.run = Run() }
      return FilesystemReport(containers: state.run.results + rest, readAt: now(), hung: hung)
    }
  }

  // MARK: Supervisor

  private func startHelper() -> Int? {
    let helper: Int? = state.withLock { state in
      guard state.stuck.count < Self.limit else { return nil }
      state.lastHelper += 1
      state.run.helper = state.lastHelper
      return state.lastHelper
    }
    guard let helper else { return nil }
    ended.reset()
    return DetachedThread.start { self.help(helper) } ? helper : nil
  }

  private func makesProgress(_ helper: Int, since steps: inout Int) -> Bool {
    let current = state.withLock { $0.run.steps }
    defer { steps = current }
    return current != steps
  }

  private enum Outcome {
    case done, unfinished
  }

  private func abandon(_ helper: Int) -> Outcome {
    state.withLock { state in
      if state.run.next == state.run.containers.count { return .done }
      state.stuck[helper] = .some(state.run.waitsFor)
      state.run.helper = 0
      if state.run.waitsFor == nil {
        // The process itself hangs and not one of its file systems: the next helper skips the container.
        let container = state.run.containers[state.run.next]
        state.run.results.append(ContainerFilesystems(container, failure: .hung))
        state.run.next += 1
      }
      state.run.waitsFor = nil
      return .unfinished
    }
  }

  // MARK: Helper

  private func help(_ helper: Int) {
    let buffer = ReadBuffer()
    let hostRoot = try? procFS.withHostProcess(buffer) { process throws(ProcFSError) in try process.root() }
    while let container = nextContainer(for: helper) {
      let result = read(container, hostRoot, buffer, helper)
      guard finish(result, helper) else { break }
    }
    let isCurrent = state.withLock { state in
      state.stuck[helper] = nil
      return state.run.helper == helper
    }
    if isCurrent { ended.send() }
  }

  private func nextContainer(for helper: Int) -> LocatedContainer? {
    state.withLock { state in
      guard state.run.helper == helper, state.run.next < state.run.containers.count else { return nil }
      state.run.steps += 1
      return state.run.containers[state.run.next]
    }
  }

  /// - Returns: false if the helper was abandoned.
  private func finish(_ result: ContainerFilesystems?, _ helper: Int) -> Bool {
    state.withLock { state in
      guard state.run.helper == helper else { return false }
      if let result { state.run.results.append(result) }
      state.run.next += 1
      return true
    }
  }

  /// - Parameter hostRoot: the host's root directory, if known. A container's first process is in it until the runtime has created the
  ///   mounts; until then its file systems are not the container's.
  /// - Returns: `nil` for a container that has ended or not started yet, and for pause containers.
  private func read(
    _ container: LocatedContainer, _ hostRoot: RootDirectory?, _ buffer: ReadBuffer, _ helper: Int
  ) -> ContainerFilesystems? {
    for located in container.processes where located.identifier != 0 {
      do {
        let process = try located.open(procFS, buffer)
        if container.podUID != nil, try process.command(buffer) == "pause" { return nil }
        if let hostRoot, (try? process.root()) == hostRoot { return nil }
        let mounts = MountSelection.mounts(try process.mounts(buffer, where: MountSelection.isWanted(type:)))
        var readings: [(device: DeviceNumber, reading: FilesystemReading)] = []
        for mount in mounts.prefix(MountSelection.maximumMounts) {
          if let reading = read(mount, of: process, helper) { readings.append((mount.device, reading)) }
        }
        let distinct = MountSelection.distinct(readings)
        var result = ContainerFilesystems(container)
        result.readings = Array(distinct.prefix(MountSelection.maximumPerContainer))
        result.leftOut = distinct.count - result.readings.count + max(0, mounts.count - MountSelection.maximumMounts)
        return result
      } catch let error where error.isGone {
        continue
      } catch {
        return ContainerFilesystems(container, failure: FilesystemFailure(error))
      }
    }
    return nil
  }

  /// - Returns: `nil` for a mount that is covered by another one, and for a file system without a size.
  private func read(_ mount: MountInfo, of process: borrowing ProcessDirectory, _ helper: Int) -> FilesystemReading? {
    var reading = FilesystemReading(
      mountPoint: mount.mountPoint, device: mount.source, type: mount.type, usage: .failure(.notAsked))
    switch begin(mount, helper) {
    case .known(let usage):
      if usage.size == 0 { return nil }
      reading.usage = .success(usage)
    case .failed(let failure): reading.usage = .failure(failure)
    case .query:
      do {
        let usage = try process.usage(of: mount)
        end(mount, usage, helper)
        if usage.size == 0 { return nil }
        reading.usage = .success(usage)
      } catch {
        end(mount, nil, helper)
        // The mount was removed or covered, or the process has ended.
        if error.isGone { return nil }
        reading.usage = .failure(FilesystemFailure(error))
      }
    }
    return reading
  }

  private enum Action {
    case query
    case failed(FilesystemFailure)
    case known(FilesystemUsage)
  }

  private func begin(_ mount: MountInfo, _ helper: Int) -> Action {
    state.withLock { state in
      // The result of an abandoned helper is not used.
      guard state.run.helper == helper else { return .failed(.notAsked) }
      if let usage = state.run.usages[FilesystemPart(mount)] { return .known(usage) }
      if state.stuck.values.contains(.some(mount.device)) { return .failed(.hung) }
      if state.stuck.count >= Self.remoteLimit, !MountSelection.isLocal(type: mount.type) { return .failed(.notAsked) }
      state.run.steps += 1
      state.run.waitsFor = mount.device
      return .query
    }
  }

  private func end(_ mount: MountInfo, _ usage: FilesystemUsage?, _ helper: Int) {
    state.withLock { state in
      guard state.run.helper == helper else { return }
      state.run.waitsFor = nil
      if let usage { state.run.usages[FilesystemPart(mount)] = usage }
    }
  }
}

extension ContainerFilesystems {
  fileprivate init(_ container: LocatedContainer, failure: FilesystemFailure? = nil) {
    self.init(id: container.id, podUID: container.outerPodUID, failure: failure)
  }
}
