internal import ProcFS

extension ProcFS {
  /// What the machine's first process answers: it is in the namespaces and the root directory that are the machine's own. A machine may guard
  /// it more closely than others; then the kernel's threads are asked, which are where it started.
  func askMachine<Answer>(
    _ buffer: ReadBuffer, _ question: (borrowing ProcessDirectory) throws(ProcFSError) -> Answer
  ) throws(ProcFSError) -> Answer {
    do {
      return try question(try process(1))
    } catch {
      // The second process is kthreadd, unless this is another PID namespace than the machine's.
      guard error.isPermissionDenied, let second = try? process(2), (try? second.stat(buffer).isKernelThread) == true else { throw error }
      return try question(second)
    }
  }
}
