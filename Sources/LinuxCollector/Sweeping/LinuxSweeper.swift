package import ProcFS
package import Roll

/// Looks at every container of the machine. It keeps its buffer from one sweep to the next, so it belongs to one thread.
package struct LinuxSweeper: ~Copyable {
  private let procFS: ProcFS
  private let locator: any ContainerLocator
  private let filesystems: FilesystemWatch?
  private let now: @Sendable () -> Moment
  private let sockets: SocketReading
  private let buffer = ReadBuffer()
  private let memory: SweepMemory
  private let socketBudget: Duration
  /// How many namespaces may have their files kept open.
  private let keptNamespaces: Int
  /// On a kernel where `TCP: tw` counts the whole host it says nothing of a namespace.
  /// Source: "ipv4: Namespaceify tcp_tw_recycle and tcp_max_tw_buckets knob", in Linux since 4.11.
  private let timeWaitIsPerNamespace: Bool

  /// - Parameters:
  ///   - sockets: how sockets are counted by state.
  ///   - filesystems: looks at file systems beside the sweeps; `nil` if nobody shall.
  ///   - keptNamespaces: how many namespaces may have their files kept open from one sweep to the next, which halves what it costs.
  ///   - netstatInterval: how old the numbers of netstat may be of a namespace that is kept and whose TCP counters move.
  ///   - socketBudget: the processor time that one sweep may take for sockets before namespaces that are kept show counts of up to 30 s ago; 100 ms
  ///     where nothing is said.
  ///   - now: the monotonic clock that readings are stamped with.
  package init(
    procFS: ProcFS, locator: any ContainerLocator, sockets: SocketReading = .off, filesystems: FilesystemWatch? = nil,
    keptNamespaces: Int = 0, netstatInterval: Duration = .zero, socketBudget: Duration? = nil,
    now: @escaping @Sendable () -> Moment
  ) {
    self.procFS = procFS
    self.locator = locator
    self.sockets = sockets
    self.filesystems = filesystems
    self.keptNamespaces = keptNamespaces
    self.socketBudget = socketBudget ?? SocketReader.usualBudget
    memory = SweepMemory(netstatInterval: netstatInterval)
    self.now = now
    // A release that cannot be read is a recent one: /proc/sys was never hidden on those old kernels.
    let release = try? procFS.kernelRelease(buffer)
    timeWaitIsPerNamespace = release.map { $0 >= KernelRelease(major: 4, minor: 11) } ?? true
  }

  /// One look at everything. It blocks on files: call it on a thread that may wait. Nothing that is wrong with one container keeps
  /// another from being read.
  package func sweep() -> Sweep {
    var looked: (sweep: Sweep, containers: [LocatedContainer])?
    // Whoever goes into namespaces is not to come back.
    if sockets.entersNamespaces { _ = DisposableThread.run { looked = look(mayEnter: true) } }
    var (sweep, containers) = looked ?? look(mayEnter: false)
    // Not on that thread: one that it started would stay in the namespace.
    sweep.filesystems = filesystems?.refresh(containers)
    return sweep
  }

  /// Closes what is kept open for the next sweep, when none may come: open files keep the namespaces of pods that are gone.
  package func release() {
    memory.namespaces = [:]
    memory.processes = [:]
  }

  private func look(mayEnter: Bool) -> (sweep: Sweep, containers: [LocatedContainer]) {
    let start = now()
    let time = ThreadTime()
    let location = locator.locate(buffer)
    var sweep = Sweep(
      containers: [], namespaces: [], host: nil, problems: location.problems, places: location.places, duration: .zero)
    sweep.cost.locating = time.elapsed()
    sweep.containers.reserveCapacity(location.containers.count)
    var pass = SweepPass(
      hostNamespace: readHost(into: &sweep), sockets: SocketReader(sockets, mayEnter: mayEnter, budget: socketBudget, buffer: buffer))
    for container in location.containers {
      let finding = find(container, &pass)
      sweep.containers.append(SweptContainer(id: container.id, podUID: container.podUID, place: container.place, finding: finding))
    }
    // Nobody is left in those that were not found again.
    memory.namespaces = pass.kept
    memory.processes = pass.processes
    sweep.namespaces = pass.namespaces
    sweep.socketProblem = pass.sockets.problem
    sweep.cost.sockets = pass.sockets.cost
    sweep.cost.reading = time.elapsed() - sweep.cost.locating - sweep.cost.sockets
    sweep.startedAt = start
    sweep.duration = now() - start
    return (sweep, location.containers)
  }

  /// What one sweep has read so far.
  private struct SweepPass {
    var hostNamespace: NamespaceNumber?
    var sockets: SocketReader
    var namespaces: [NamespaceReading] = []
    var indices: [NamespaceNumber: Int] = [:]
    var kept: [NamespaceNumber: KnownNamespace] = [:]
    var processes: [ContainerID: KnownProcess] = [:]
  }

  /// The first process is in the host's network namespace, unless we are not in the host's PID namespace; then no container would be
  /// readable either. Its numbers may be read by everybody, its namespace only with the right to trace it.
  private func readHost(into sweep: inout Sweep) -> NamespaceNumber? {
    do {
      sweep.host = try procFS.process(1).sockstat(buffer)
      return try procFS.withHostProcess(buffer) { process throws(ProcFSError) in try process.networkNamespace() }
    } catch {
      sweep.problems.append(error)
      return nil
    }
  }

  private func find(_ container: LocatedContainer, _ pass: inout SweepPass) -> SweptContainer.Finding {
    var lastGone: ProcFSError?
    // The one that the last sweep took hold of is still this container's, or it is gone.
    if let known = memory.process(of: container, at: now()), let finding = try? read(known, of: container, &pass) { return finding }
    // Those that the locator knew, and where all of them are gone, those that are there now.
    for asked in [container.processes, nil] {
      for process in asked ?? locator.processes(of: container, buffer).filter({ !container.processes.contains($0) }) {
        if process.identifier == 0 {
          return .missed(
            .pidNotFound,
            detail: "the processes of \(container.place) are outside of the agent's PID namespace: run the agent in the host's (hostPID)")
        }
        do {
          return try read(KnownProcess(process, try process.hold(procFS, buffer), at: now()), of: container, &pass)
        } catch let error where error.isGone {
          lastGone = error
        } catch let error where error.isPermissionDenied {
          return .missed(.permissionDenied, detail: "\(error): the agent lacks a capability (CAP_SYS_PTRACE) or is confined")
        } catch {
          return .missed(.unknown, detail: "\(error)")
        }
      }
    }
    guard let lastGone else { return .missed(.pidNotFound, detail: "\(container.place) holds no process") }
    return .missed(.pidNotFound, detail: "every process of \(container.place) that was tried is gone: \(lastGone)")
  }

  /// Reads the process's namespace, unless another container has done so already.
  private func read(
    _ process: KnownProcess, of container: LocatedContainer, _ pass: inout SweepPass
  ) throws(ProcFSError) -> SweptContainer.Finding {
    let namespace = try process.directory.networkNamespace()
    // A pod has two or three containers.
    if pass.processes.count < keptNamespaces * 3 { pass.processes[container.id] = process }
    if namespace == pass.hostNamespace { return .host(at: now()) }
    if let known = pass.indices[namespace] { return .namespace(known) }

    let known = memory.namespaces[namespace]
    let files = if let known { known } else { KnownNamespace(try process.directory.networkFiles()) }
    var reading = try files.read(namespace, memory, buffer, at: now())
    if !timeWaitIsPerNamespace { reading.sockstat[.tcpTimeWait] = nil }
    reading.sockets = try pass.sockets.read(reading, of: process.directory, files)
    // It lives, and was in this namespace all along: otherwise what was opened and read may be of two.
    if known == nil || sockets == .text || sockets == .inetDiagOrText {
      guard try process.directory.networkNamespace() == namespace else {
        throw .gone(procFS.root + "/\(process.located.identifier)/ns/net")
      }
    }
    if pass.kept.count < keptNamespaces { pass.kept[namespace] = files }
    pass.namespaces.append(reading)
    pass.indices[namespace] = pass.namespaces.count - 1
    return .namespace(pass.namespaces.count - 1)
  }
}
