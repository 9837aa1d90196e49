package import Glibc

/// What this process has used so far.
package enum ProcessFigures {
  /// A clock's time, in seconds.
  package static func seconds(_ clock: clockid_t) -> Double {
    var time = timespec()
    clock_gettime(clock, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  /// A line of /proc/self/status, such as `VmRSS`, in MB.
  package static func memory(_ name: String) -> Double {
    guard let file = fopen("/proc/self/status", "r") else { return .nan }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    while fgets(&line, Int32(line.count), file) != nil {
      let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
      let words = text.split(whereSeparator: \.isWhitespace)
      if words.first.map(String.init) == "\(name):" { return (Double(words[1]) ?? .nan) * 1024 / 1e6 }
    }
    return .nan
  }
}
