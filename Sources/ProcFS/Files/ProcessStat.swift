/// `/proc/<pid>/stat`. Number and start time together identify a process uniquely.
/// Source: proc_pid_stat(5).
package struct ProcessStat: Hashable, Sendable {
  /// Start time in clock ticks since boot.
  package var startTicks: Int64
  /// Kernel threads stay in the namespaces the host booted with.
  package var isKernelThread: Bool

  package init(startTicks: Int64, isKernelThread: Bool) {
    self.startTicks = startTicks
    self.isKernelThread = isKernelThread
  }

  /// Source: PF_KTHREAD in the kernel's include/linux/sched.h.
  private static let kernelThreadFlag: Int64 = 0x0020_0000

  package static func parse(_ bytes: UnsafeRawBufferPointer) throws(MalformedFile) -> ProcessStat {
    // The command is in parentheses and may itself contain spaces, line feeds and parentheses.
    guard let end = bytes.lastIndex(of: UInt8(ascii: ")")) else { throw MalformedFile(line: 1, reason: "no command in parentheses") }
    var words = Words(UnsafeRawBufferPointer(rebasing: bytes[(end + 1)...]))
    // Fields count from 1; the command is field 2.
    var field = 2
    func next(until number: Int) throws(MalformedFile) -> Int64 {
      var word: UnsafeRawBufferPointer?
      while field < number {
        field += 1
        word = words.next()
      }
      guard let value = word?.decimal else { throw MalformedFile(line: 1, reason: "field \(number) is not a number") }
      return value
    }
    let flags = try next(until: 9)
    let startTicks = try next(until: 22)
    return ProcessStat(startTicks: startTicks, isKernelThread: flags & kernelThreadFlag != 0)
  }
}

extension ProcessDirectory {
  package func stat(_ buffer: ReadBuffer) throws(ProcFSError) -> ProcessStat {
    try directory.read("stat", into: buffer, parse: ProcessStat.parse)
  }
}
