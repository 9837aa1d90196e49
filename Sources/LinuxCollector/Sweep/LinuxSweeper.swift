internal import Primitives
package import ProcFS
package import Roll

/// Reads every container of this host. It keeps a buffer and a cache between sweeps, so it belongs to one thread.
package struct LinuxSweeper: ~Copyable {
  private let procFS: ProcFS
  private let locator: any ContainerLocator
  private let filesystems: FilesystemMonitor?
  private let now: @Sendable () -> Moment
  private let sockets: SocketMethod
  private let buffer = ReadBuffer()
  private let cache: SweepCache
  private let socketBudget: Duration
  /// The maximum number of namespaces in the cache.
  private let cachedNamespaces: Int
  /// Numbers of sockstat that are exported for a namespace and that this kernel counts for the whole host.
  private let hostNumbers: [Sockstat]

  /// - Parameters:
  ///   - sockets: how sockets are counted.
  ///   - filesystems: reads file systems in the background; `nil` to leave them out.
  ///   - cachedNamespaces: the maximum number of namespaces whose files stay open between sweeps, which halves the cost of a sweep.
  ///   - netstatInterval: the maximum age of netstat's counters in cached namespaces with TCP activity.
  ///   - socketBudget: the CPU time for counting sockets in one sweep, after which cached namespaces show counts of up to 30 s ago; 100 ms
  ///     if `nil`.
  ///   - now: a monotonic clock.
  package init(
    procFS: ProcFS, locator: any ContainerLocator, sockets: SocketMethod = .off, filesystems: FilesystemMonitor? = nil,
    cachedNamespaces: Int = 0, netstatInterval: Duration = .zero, socketBudget: Duration? = nil,
    now: @escaping @Sendable () -> Moment
  ) {
    self.procFS = procFS
    self.locator = locator
    self.sockets = sockets
    self.filesystems = filesystems
    self.cachedNamespaces = cachedNamespaces
    self.socketBudget = socketBudget ?? SocketCounter.defaultBudget
    cache = SweepCache(netstatInterval: netstatInterval)
    self.now = now
    // An unreadable release is a recent kernel's: older ones never hide /proc/sys.
    let release = try? procFS.kernelRelease(buffer)
    hostNumbers = Sockstat.ofHost(on: release ?? KernelRelease(major: .max, minor: 0))
  }

  /// Sweeps once. Blocks on files and on the runtime's socket. An error in one container does not affect the others.
  package func sweep() -> Sweep {
    var result: (sweep: Sweep, containers: [LocatedContainer])?
    // A thread that has entered a namespace must not be used for anything else.
    if sockets.entersNamespaces { _ = DisposableThread.run { result = collect(mayEnter: true) } }
    var (sweep, containers) = result ?? collect(mayEnter: false)
    // Not on the disposable thread: threads started there would stay in the namespace.
    sweep.filesystems = filesystems?.refresh(containers)
    return sweep
  }

  /// Which of these pods run in a sandbox. Blocks on files.
  /// - Parameter candidates: `podsWithoutProcess` of a sweep.
  package func sandboxedPods(of candidates: Set<String>, on roll: [RollEntry]) -> SandboxedPods {
    SandboxedPods(
      candidates, roll: Set(roll.lazy.compactMap { ContainerID($0.containerID) }), locator: locator, procFS: procFS, buffer, at: now())
  }

  /// Clears the cache. Call it when no sweep may follow for a while: open files keep the namespaces of deleted pods alive.
  package func release() {
    cache.namespaces = [:]
    cache.processes = [:]
  }

  private func collect(mayEnter: Bool) -> (sweep: Sweep, containers: [LocatedContainer]) {
    let start = now()
    let time = ThreadTime()
    let located = locator.locate(buffer)
    var sweep = Sweep(
      containers: [], namespaces: [], host: nil, problems: located.problems, searchedPaths: located.searchedPaths, duration: .zero)
    sweep.cgroupsLeftOut = located.cgroupsLeftOut
    sweep.cost.locating = time.elapsed()
    sweep.containers.reserveCapacity(located.containers.count)
    var partial = PartialSweep(
      hostNamespace: readHost(into: &sweep), sockets: SocketCounter(sockets, mayEnter: mayEnter, budget: socketBudget, buffer: buffer))
    for container in located.containers {
      let (finding, program) = finding(of: container, &partial)
      sweep.containers.append(
        SweptContainer(
          id: container.id, podUID: container.podUID, nesting: container.nesting, origin: container.origin, finding: finding,
          program: program))
    }
    // Drops the namespaces and processes that this sweep did not find.
    cache.namespaces = partial.cachedNamespaces
    cache.processes = partial.cachedProcesses
    sweep.namespaces = partial.namespaces
    sweep.socketProblem = partial.sockets.problem
    sweep.cost.sockets = partial.sockets.cost
    sweep.cost.reading = time.elapsed() - sweep.cost.locating - sweep.cost.sockets
    sweep.startedAt = start
    sweep.duration = now() - start
    return (sweep, located.containers)
  }

  /// What the current sweep has read so far.
  private struct PartialSweep {
    var hostNamespace: NamespaceNumber?
    var sockets: SocketCounter
    var namespaces: [NamespaceReading] = []
    /// Indices in `namespaces`.
    var indices: [NamespaceNumber: Int] = [:]
    var cachedNamespaces: [NamespaceNumber: CachedNamespace] = [:]
    var cachedProcesses: [ContainerID: CachedProcess] = [:]
  }

  /// Process 1 is in the host's network namespace, unless the agent is in a PID namespace of its own, in which no container could be read
  /// either. Reading its sockstat needs no permission, reading its namespace needs PTRACE_MODE_READ_FSCREDS.
  private func readHost(into sweep: inout Sweep) -> NamespaceNumber? {
    do {
      sweep.host = try procFS.process(1).sockstat(buffer)
      return try procFS.withHostProcess(buffer) { process throws(ProcFSError) in try process.networkNamespace() }
    } catch {
      sweep.problems.append(error)
      return nil
    }
  }

  /// Reads the namespace of a container, or sets the reason why it could not be read. Containers on the roll that the locator did not find
  /// get their reason, mostly `PidNotFound`, in `Sweep.answers(to:at:)`.
  private func finding(
    of container: LocatedContainer, _ partial: inout PartialSweep
  ) -> (SweptContainer.Finding, ContainerProgram) {
    var lastGone: ProcFSError?
    if let cached = cache.process(of: container, at: now()), let finding = try? read(cached, of: container, &partial) {
      return (finding, cached.program)
    }
    // The processes that the locator listed; if all have ended, the current ones.
    for listed in [container.processes, nil] {
      let processes = listed ?? locator.processes(of: container, buffer).filter { !container.processes.contains($0) }
      for process in processes.firstProcessFirst(procFS, buffer) {
        if process.identifier == 0 {
          return missed(
            .pidNotFound,
            "the processes of \(container.origin) are outside the agent's PID namespace: run the agent in the host's (hostPID)")
        }
        do {
          let opened = try open(process, of: container)
          return (try read(opened, of: container, &partial), opened.program)
        } catch let error where error.isGone {
          lastGone = error
        } catch let error where error.isPermissionDenied {
          return missed(.permissionDenied, "\(error): the agent lacks a capability (CAP_SYS_PTRACE) or is confined")
        } catch {
          return missed(.unknown, "\(error)")
        }
      }
    }
    guard let lastGone else { return missed(.pidNotFound, "\(container.origin) has no process") }
    return missed(.pidNotFound, "all processes tried of \(container.origin) have ended: \(lastGone)")
  }

  private func missed(_ reason: Reason, _ detail: String) -> (SweptContainer.Finding, ContainerProgram) {
    (.missed(reason, detail: detail), .other)
  }

  private func open(_ process: LocatedProcess, of container: LocatedContainer) throws(ProcFSError) -> CachedProcess {
    let directory = try process.open(procFS, buffer)
    // Only the containers of pods are told apart by their programs.
    let program =
      if container.role == .sandbox { ContainerProgram.pause } else if container.podUID == nil { ContainerProgram.other } else {
        ContainerProgram(of: directory, buffer)
      }
    return CachedProcess(process, directory, program: program, at: now())
  }

  /// Reads the process's namespace, unless this sweep has read it for another container.
  private func read(
    _ process: CachedProcess, of container: LocatedContainer, _ partial: inout PartialSweep
  ) throws(ProcFSError) -> SweptContainer.Finding {
    let namespace = try process.directory.networkNamespace()
    // A pod has two or three containers.
    if partial.cachedProcesses.count < cachedNamespaces * 3 { partial.cachedProcesses[container.id] = process }
    if namespace == partial.hostNamespace { return .host(at: now()) }
    if let index = partial.indices[namespace] { return .namespace(index) }

    let cached = cache.namespaces[namespace]
    let files = if let cached { cached } else { CachedNamespace(try process.directory.networkFiles()) }
    var reading = try files.read(namespace, cache, buffer, at: now())
    for number in hostNumbers { reading.sockstat[number] = nil }
    reading.sockets = try partial.sockets.count(reading, of: process.directory, files)
    // Files opened through the process may be of two namespaces if it changed its own in between.
    if cached == nil || sockets == .text || sockets == .inetDiagOrText {
      guard try process.directory.networkNamespace() == namespace else {
        throw .gone(procFS.root + "/\(process.located.identifier)/ns/net")
      }
    }
    if partial.cachedNamespaces.count < cachedNamespaces { partial.cachedNamespaces[namespace] = files }
    partial.namespaces.append(reading)
    partial.indices[namespace] = partial.namespaces.count - 1
    return .namespace(partial.namespaces.count - 1)
  }
}
