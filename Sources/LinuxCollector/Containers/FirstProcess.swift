internal import ProcFS

extension [LocatedProcess] {
  /// The processes, the container's first one first. Its network namespace is the container's: later processes may have entered namespaces
  /// of their own, and the kernel lists processes in no useful order.
  ///
  /// The first process is in the outermost PID namespace of the container's, where it usually has the number 1; containers that share the
  /// PID namespace of their pod or of the host have none of that number, and their first process is the oldest.
  func firstProcessFirst(_ procFS: ProcFS, _ buffer: ReadBuffer) -> [LocatedProcess] {
    // Nearly every container has one process, and nothing needs to be read then.
    if count < 2 { return self }
    let ranks = map { ProcessRank(of: $0.identifier, procFS, buffer) }
    return indices.sorted { (ranks[$0], $0) < (ranks[$1], $1) }.map { self[$0] }
  }
}

/// Orders the processes of one container by how likely each is its first.
private struct ProcessRank: Comparable {
  /// The depth of its PID namespace, as the number of the process's numbers.
  private var depth = 0
  private var isFirst = false
  /// `.max` for a process that has ended, or that the agent's PID namespace does not have.
  private var startTicks = Int64.max

  init(of identifier: Int32, _ procFS: ProcFS, _ buffer: ReadBuffer) {
    guard let process = try? procFS.process(identifier), let stat = try? process.stat(buffer) else {
      depth = .max
      return
    }
    startTicks = stat.startTicks
    // Kernels before 4.1 have no such numbers.
    guard let status = try? process.status(buffer) else { return }
    depth = status.identifiers.count
    isFirst = status.isFirst
  }

  static func < (left: ProcessRank, right: ProcessRank) -> Bool {
    if left.depth != right.depth { return left.depth < right.depth }
    if left.isFirst != right.isFirst { return left.isFirst }
    return left.startTicks < right.startTicks
  }
}
