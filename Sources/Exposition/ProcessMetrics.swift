internal import Glibc

/// Resource usage of this process, exported under the names that all Prometheus client libraries use.
/// Source: https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics and proc(5).
package struct ProcessMetrics: Hashable, Sendable {
  package var cpuSeconds: Double
  package var residentBytes: Int64
  package var virtualBytes: Int64
  package var openFileDescriptors: Int64
  package var maximumFileDescriptors: Double
  /// Seconds since 1970-01-01T00:00:00Z.
  package var startTimeSeconds: Double

  /// The current values, or `nil` if `/proc` cannot be read.
  package static func current() -> ProcessMetrics? {
    guard let stat = ProcessStat(contentsOf: "/proc/self/stat"), let bootTime = bootTimeSeconds(), let descriptors = countOpenDescriptors()
    else { return nil }
    let ticksPerSecond = Double(sysconf(Int32(_SC_CLK_TCK)))
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    return ProcessMetrics(
      cpuSeconds: Double(stat.cpuTicks) / ticksPerSecond,
      residentBytes: stat.residentPages * Int64(sysconf(Int32(_SC_PAGESIZE))),
      virtualBytes: stat.virtualBytes,
      openFileDescriptors: descriptors,
      maximumFileDescriptors: limit.rlim_cur == rlim_t.max ? .infinity : Double(limit.rlim_cur),
      startTimeSeconds: bootTime + Double(stat.startTicks) / ticksPerSecond
    )
  }

  /// Seconds since 1970-01-01T00:00:00Z, from the line `btime` of `/proc/stat`.
  private static func bootTimeSeconds() -> Double? {
    guard let text = readSmallFile("/proc/stat") else { return nil }
    let line = text.split(separator: "\n").first { $0.hasPrefix("btime ") }
    return line.flatMap { Double($0.dropFirst("btime ".count)) }
  }

  private static func countOpenDescriptors() -> Int64? {
    guard let directory = opendir("/proc/self/fd") else { return nil }
    defer { closedir(directory) }
    var entries: Int64 = 0
    while readdir(directory) != nil {
      entries += 1
    }
    // Excludes `.`, `..` and the descriptor of the open directory itself.
    return entries - 3
  }
}

/// Selected fields of `/proc/<pid>/stat`.
private struct ProcessStat {
  var cpuTicks: Int64
  var startTicks: Int64
  var virtualBytes: Int64
  var residentPages: Int64

  init?(contentsOf path: String) {
    // The command is in parentheses and may itself contain spaces and parentheses. Fields are counted after the last one.
    guard let text = readSmallFile(path), let end = text.lastIndex(of: ")") else { return nil }
    let fields = text[text.index(after: end)...].split(whereSeparator: \.isWhitespace)
    // proc(5) counts from 1. The first field after the command is number 3.
    func field(_ number: Int) -> Int64? {
      fields.indices.contains(number - 3) ? Int64(fields[number - 3]) : nil
    }
    guard let user = field(14), let system = field(15), let start = field(22), let virtual = field(23), let resident = field(24) else {
      return nil
    }
    cpuTicks = user + system
    startTicks = start
    virtualBytes = virtual
    residentPages = resident
  }
}

/// The text of a file, or `nil` if it cannot be read. Invalid UTF-8 is replaced.
private func readSmallFile(_ path: String) -> String? {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { return nil }
  defer { close(descriptor) }
  var bytes: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 16384)
  while true {
    let count = read(descriptor, &buffer, buffer.count)
    if count < 0, errno == EINTR { continue }
    guard count >= 0 else { return nil }
    if count == 0 { break }
    bytes.append(contentsOf: buffer[..<count])
  }
  return String(decoding: bytes, as: UTF8.self)
}

extension ExpositionWriter {
  /// Writes the `process_*` families.
  package mutating func process(_ metrics: ProcessMetrics) {
    family(
      "process_cpu_seconds_total", .counter, help: "Total user and system CPU time spent in seconds.", value: metrics.cpuSeconds)
    family("process_open_fds", .gauge, help: "Number of open file descriptors.", value: Double(metrics.openFileDescriptors))
    family("process_max_fds", .gauge, help: "Maximum number of open file descriptors.", value: metrics.maximumFileDescriptors)
    family("process_resident_memory_bytes", .gauge, help: "Resident memory size in bytes.", value: Double(metrics.residentBytes))
    family("process_virtual_memory_bytes", .gauge, help: "Virtual memory size in bytes.", value: Double(metrics.virtualBytes))
    family(
      "process_start_time_seconds", .gauge, help: "Start time of the process since unix epoch in seconds.",
      value: metrics.startTimeSeconds)
  }
}
