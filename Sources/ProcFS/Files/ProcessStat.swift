/// `/proc/<pid>/stat`, of which we need when the process started: together with its number that tells it from every other process.
/// Source: proc_pid_stat(5).
package struct ProcessStat: Hashable, Sendable {
  /// Clock ticks since the machine started.
  package var startTicks: Int64
  /// A thread of the kernel, which is always in the namespaces that the machine started with.
  package var isKernelThread: Bool

  package init(startTicks: Int64, isKernelThread: Bool) {
    self.startTicks = startTicks
    self.isKernelThread = isKernelThread
  }

  /// Source: PF_KTHREAD in the kernel's include/linux/sched.h.
  private static let kernelThreadFlag: Int64 = 0x0020_0000

  package static func parse(_ bytes: UnsafeRawBufferPointer) throws(MalformedFile) -> ProcessStat {
    // The command stands in parentheses and may hold spaces, line feeds and parentheses of its own.
    guard let end = bytes.lastIndex(of: UInt8(ascii: ")")) else { throw MalformedFile(line: 1, reason: "no command in parentheses") }
    var words = Words(UnsafeRawBufferPointer(rebasing: bytes[(end + 1)...]))
    // Fields count from 1 and the command is the second.
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
