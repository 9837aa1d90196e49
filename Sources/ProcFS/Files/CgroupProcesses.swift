/// `cgroup.procs`: the processes of one cgroup, one number per line.
/// Source: the kernel's Documentation/admin-guide/cgroup-v2.rst.
package enum CgroupProcesses {
  /// The first `limit` processes, in the kernel's order. 0 is a process outside the reader's PID namespace.
  package static func parse(_ bytes: UnsafeRawBufferPointer, limit: Int) throws(MalformedFile) -> [Int32] {
    var processes: [Int32] = []
    var lines = Lines(bytes)
    while processes.count < limit, var words = lines.next() {
      guard let number = words.next()?.decimal.flatMap(Int32.init(exactly:)) else { throw lines.malformed("not a process number") }
      processes.append(number)
    }
    return processes
  }

  package static func contains(_ process: Int32, in bytes: UnsafeRawBufferPointer) throws(MalformedFile) -> Bool {
    var lines = Lines(bytes)
    while var words = lines.next() {
      guard let number = words.next()?.decimal else { throw lines.malformed("not a process number") }
      if number == process { return true }
    }
    return false
  }
}
