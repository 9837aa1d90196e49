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
  private let headings = Headings()
  /// On a kernel where `TCP: tw` counts the whole host it says nothing of a namespace.
  /// Source: "ipv4: Namespaceify tcp_tw_recycle and tcp_max_tw_buckets knob", in Linux since 4.11.
  private let timeWaitIsPerNamespace: Bool

  /// - Parameters:
  ///   - sockets: how sockets are counted by state.
  ///   - filesystems: looks at file systems beside the sweeps; `nil` if nobody shall.
  ///   - now: the monotonic clock that readings are stamped with.
  package init(
    procFS: ProcFS, locator: any ContainerLocator, sockets: SocketReading = .off, filesystems: FilesystemWatch? = nil,
    now: @escaping @Sendable () -> Moment
  ) {
    self.procFS = procFS
    self.locator = locator
    self.sockets = sockets
    self.filesystems = filesystems
    self.now = now
    // A release that cannot be read is a recent one: /proc/sys was never hidden on those old kernels.
    let release = try? procFS.kernelRelease(buffer)
    timeWaitIsPerNamespace = release.map { $0 >= KernelRelease(major: 4, minor: 11) } ?? true
  }

  /// One look at everything. It blocks on files: call it on a thread that may wait. Nothing that is wrong with one container keeps
  /// another from being read.
  package func sweep() -> Sweep {
    var sweep: Sweep?
    // Whoever goes into namespaces is not to come back.
    if sockets.entersNamespaces, OwnThread.run({ sweep = look(mayEnter: true) }), let sweep { return sweep }
    return look(mayEnter: false)
  }

  private func look(mayEnter: Bool) -> Sweep {
    let start = now()
    let time = ThreadTime()
    let location = locator.locate(buffer)
    var sweep = Sweep(
      containers: [], namespaces: [], host: nil, problems: location.problems, places: location.places, duration: .zero)
    sweep.cost.locating = time.elapsed()
    sweep.containers.reserveCapacity(location.containers.count)
    var pass = SweepPass(
      hostNamespace: readHost(into: &sweep), sockets: SocketReader(sockets, mayEnter: mayEnter, buffer: buffer))
    for container in location.containers {
      let finding = find(container, &pass)
      sweep.containers.append(SweptContainer(id: container.id, podUID: container.podUID, place: container.place, finding: finding))
    }
    sweep.namespaces = pass.namespaces
    sweep.socketProblem = pass.sockets.problem
    sweep.cost.sockets = pass.sockets.cost
    sweep.cost.reading = time.elapsed() - sweep.cost.locating - sweep.cost.sockets
    filesystems?.refresh(location.containers)
    sweep.filesystems = filesystems?.report
    sweep.startedAt = start
    sweep.duration = now() - start
    return sweep
  }

  /// What one sweep has read so far.
  private struct SweepPass {
    var hostNamespace: FileIdentity?
    var sockets: SocketReader
    var namespaces: [NamespaceReading] = []
    var indices: [FileIdentity: Int] = [:]
  }

  /// Where the fields stand in the files of this kernel, once they were found. It belongs to the thread that sweeps, as the buffer does.
  private final class Headings {
    var snmp = HeaderLayout<SNMP>()
    var netstat = HeaderLayout<Netstat>()
  }

  /// The first process is in the host's network namespace, unless we are not in the host's PID namespace; then no container would be
  /// readable either. Its numbers may be read by everybody, its namespace only with the right to trace it.
  private func readHost(into sweep: inout Sweep) -> FileIdentity? {
    do {
      let first = try procFS.process(1)
      sweep.host = try first.sockstat(buffer)
      return try first.networkNamespace()
    } catch {
      // A machine may guard its first process more closely than others: the kernel's own threads are where it started.
      if error.isPermissionDenied, let namespace = try? kernelNamespace() { return namespace }
      sweep.problems.append(error)
      return nil
    }
  }

  /// Where the second process is, if that is the kernel's own (kthreadd).
  private func kernelNamespace() throws(ProcFSError) -> FileIdentity? {
    let second = try procFS.process(2)
    return try second.stat(buffer).isKernelThread ? second.networkNamespace() : nil
  }

  private func find(_ container: LocatedContainer, _ pass: inout SweepPass) -> SweptContainer.Finding {
    var lastGone: ProcFSError?
    // Those that the locator knew, and where all of them are gone, those that are there now.
    for asked in [container.processes, nil] {
      for process in asked ?? locator.processes(of: container, buffer).filter({ !container.processes.contains($0) }) {
        if process.identifier == 0 {
          return .missed(
            .pidNotFound,
            detail: "the processes of \(container.place) are outside of the agent's PID namespace: run the agent in the host's (hostPID)")
        }
        do {
          return try read(process, &pass)
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
  private func read(_ process: LocatedProcess, _ pass: inout SweepPass) throws(ProcFSError) -> SweptContainer.Finding {
    let directory = try process.hold(procFS, buffer)
    let held = try directory.holdNetworkNamespace()
    let namespace = held.identity
    if namespace == pass.hostNamespace { return .host(at: now()) }
    if let known = pass.indices[namespace] { return .namespace(known) }

    var reading = NamespaceReading(
      namespace: namespace, readAt: now(), sockstat: try directory.sockstat(buffer),
      sockstat6: try ifPresent(directory.sockstat6(buffer)), snmp: try directory.snmp(buffer, &headings.snmp),
      netstat: try directory.netstat(buffer, &headings.netstat), devices: try directory.networkDevices(buffer), sockets: nil)
    if !timeWaitIsPerNamespace { reading.sockstat[.tcpTimeWait] = nil }
    reading.sockets = try pass.sockets.read(reading, of: directory, in: held)
    // It lives, and was in this namespace all along: otherwise what was read may be of two.
    guard try directory.networkNamespace() == namespace else { throw .gone(procFS.root + "/\(process.identifier)/ns/net") }
    pass.namespaces.append(reading)
    pass.indices[namespace] = pass.namespaces.count - 1
    return .namespace(pass.namespaces.count - 1)
  }

  /// A kernel without IPv6 has no such file. A process that is gone has none either, which the check after reading tells apart.
  private func ifPresent<Value>(_ read: @autoclosure () throws(ProcFSError) -> Value) throws(ProcFSError) -> Value? {
    do {
      return try read()
    } catch let error where error.isGone {
      return nil
    }
  }
}
