package import ProcFS

extension LocatedProcess {
  /// Takes hold of the process, and makes sure that it is the container's.
  ///
  /// The number may have gone to another process between the list and our taking hold of it. From here on it cannot: if the cgroup still
  /// lists the number, or the process with it started when the container's did, it is the process that we hold, or ours is gone and every
  /// further read of it fails.
  /// - Throws: an error that `isGone` where the process left the container.
  package func hold(_ procFS: ProcFS, _ buffer: ReadBuffer) throws(ProcFSError) -> ProcessDirectory {
    let directory = try procFS.process(identifier)
    switch membership {
    case .cgroup(let cgroup):
      let isMember = try readFile(cgroup + "/cgroup.procs", into: buffer) { bytes throws(MalformedFile) in
        try CgroupProcesses.contains(identifier, in: bytes)
      }
      if !isMember { throw .gone("process \(identifier) in \(cgroup)") }
    case .started(let ticks):
      if try directory.stat(buffer).startTicks != ticks { throw .gone("the container's process \(identifier)") }
    }
    return directory
  }
}
