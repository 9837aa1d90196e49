package import Glibc

/// CPU time and memory of this process.
package enum ProcessFigures {
  /// The time of a clock, in seconds: CLOCK_PROCESS_CPUTIME_ID for the CPU time so far, user and system.
  package static func seconds(_ clock: clockid_t) -> Double {
    var time = timespec()
    clock_gettime(clock, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  /// A field of /proc/self/status in bytes, for example `VmRSS`; not a number if the file lacks it.
  package static func bytes(_ field: String) -> Double {
    guard let file = fopen("/proc/self/status", "r") else { return .nan }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    while fgets(&line, Int32(line.count), file) != nil {
      let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
      let words = text.split(whereSeparator: \.isWhitespace)
      if words.count > 1, words[0] == "\(field):" { return (Double(words[1]) ?? .nan) * 1024 }
    }
    return .nan
  }

  /// Resets the peak of resident memory to its present value. Source: proc_pid_clear_refs(5).
  package static func resetPeak() {
    guard let file = fopen("/proc/self/clear_refs", "w") else { return }
    fputs("5", file)
    fclose(file)
  }
}
