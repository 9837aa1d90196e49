/// `/proc/<pid>/stat`, of which we need when the process started: together with its number that tells it from every other process.
/// Source: proc_pid_stat(5).
package struct ProcessStat: Hashable, Sendable {
  /// Clock ticks since the machine started.
  package var startTicks: Int64

  package init(startTicks: Int64) {
    self.startTicks = startTicks
  }

  package static func parse(_ bytes: UnsafeRawBufferPointer) throws(MalformedFile) -> ProcessStat {
    // The command stands in parentheses and may hold spaces, line feeds and parentheses of its own.
    guard let end = bytes.lastIndex(of: UInt8(ascii: ")")) else { throw MalformedFile(line: 1, reason: "no command in parentheses") }
    var words = Words(UnsafeRawBufferPointer(rebasing: bytes[(end + 1)...]))
    // Fields count from 1, the command is the second and the start time is the 22nd.
    for field in 3..<22 where words.next() == nil {
      throw MalformedFile(line: 1, reason: "ends before field \(field)")
    }
    guard let startTicks = words.next()?.decimal else {
      throw MalformedFile(line: 1, reason: "field 22, the start time, is not a number")
    }
    return ProcessStat(startTicks: startTicks)
  }
}
