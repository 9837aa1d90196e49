import Glibc
import KubeClient
import Logging

/// Follows the Nodes and Pods of a cluster with nothing but KubeClient, and prints what it costs this process, a figure a line:
///
///     bench-client KUBECONFIG [--pages] [--relist] [--watch SECONDS]
///
/// By initial events of a watch, or with `--pages` by lists in pages. `--relist` lists anew, into the filled store; `--watch` then goes on for so
/// long, and counts changes of Pods. hack/bench-client starts it and knows the budgets.
@main struct BenchClient {
  static func main() async throws {
    let arguments = CommandLine.arguments.dropFirst()
    guard let kubeconfig = arguments.first else {
      print("usage: bench-client KUBECONFIG [--pages] [--relist] [--watch SECONDS]")
      exit(2)
    }
    Heap.giveBackLargeBlocks()
    let seconds = arguments.firstIndex(of: "--watch").flatMap { Int(arguments[$0 + 1]) } ?? 0
    var policy = WatchPolicy.standard
    policy.usesInitialEvents = !arguments.contains("--pages")
    LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
    var logger = Logger(label: "bench-client")
    logger.logLevel = .warning

    let client = try KubeClient(configuration: .load(kubeconfig: kubeconfig, environment: [:]), logger: logger)
    let cluster = Cluster(
      nodes: Reflector(client: client, resource: .nodes, decoder: .nodes(), policy: policy, logger: logger),
      pods: Reflector(
        client: client, resource: .pods, decoder: .pods(annotationPrefixes: ["rollcall.dev/"]), policy: policy, logger: logger))
    report("memory at start", Process.memory("VmRSS"), "MiB")

    let start = ContinuousClock.now
    await cluster.run {
      await cluster.waitUntilListed(times: 1)
      report("time to sync", (ContinuousClock.now - start).inSeconds, "s")
      report("CPU to sync", Process.cpu, "s")
      report("Pods", Double(cluster.pods.store.snapshot().count), "")
      try? await Task.sleep(for: .seconds(2))
      reportMemory("settled")
    }
    if arguments.contains("--relist") {
      Process.forgetPeak()
      let before = Process.cpu
      await cluster.run {
        await cluster.waitUntilListed(times: 2)
        report("CPU of a relist", Process.cpu - before, "s")
        try? await Task.sleep(for: .seconds(2))
        reportMemory("after a relist")
      }
    }
    guard seconds > 0 else { return }
    await cluster.run {
      await cluster.waitUntilListed(times: cluster.pods.statistics.lists + 1)
      try? await Task.sleep(for: .seconds(2))
      let (cpu, changes) = (Process.cpu, cluster.pods.statistics.changes)
      try? await Task.sleep(for: .seconds(seconds))
      let events = Double(cluster.pods.statistics.changes - changes)
      report("events a second", events / Double(seconds), "")
      report("CPU an event", (Process.cpu - cpu) / events * 1e6, "us")
      reportMemory("after the watch")
    }
  }

  private static func reportMemory(_ when: String) {
    report("resident memory, \(when)", Process.memory("VmRSS"), "MiB")
    report("of it anonymous, \(when)", Process.memory("RssAnon"), "MiB")
    report("resident memory, peak \(when)", Process.memory("VmHWM"), "MiB")
  }

  private static func report(_ name: String, _ value: Double, _ unit: String) {
    let hundredths = Int((value * 100).rounded())
    print("\(name)\t\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)\t\(unit)")
    fflush(nil)
  }
}

private struct Cluster: Sendable {
  let nodes: Reflector<NodeRecord>
  let pods: Reflector<PodRecord>

  /// Follows the cluster until `body` is through.
  func run(_ body: @Sendable () async -> Void) async {
    await withTaskGroup { group in
      group.addTask { await nodes.run() }
      group.addTask { await pods.run() }
      await body()
      group.cancelAll()
    }
  }

  func waitUntilListed(times: Int) async {
    while nodes.statistics.lists < times || pods.statistics.lists < times { try? await Task.sleep(for: .milliseconds(20)) }
  }
}

/// What the kernel says of this process.
private enum Process {
  /// In seconds, of user and system.
  static var cpu: Double {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
  }

  /// A line of /proc/self/status, in MiB.
  static func memory(_ field: String) -> Double {
    guard let file = fopen("/proc/self/status", "r") else { return 0 }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    while fgets(&line, Int32(line.count), file) != nil {
      let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      guard text.hasPrefix("\(field):") else { continue }
      return text.split(separator: "\t").last?.split(separator: " ").lazy.compactMap { Double($0) }.first.map { $0 / 1024 } ?? 0
    }
    return 0
  }

  /// Begins to watch for a new peak: https://docs.kernel.org/filesystems/proc.html, `clear_refs`.
  static func forgetPeak() {
    guard let file = fopen("/proc/self/clear_refs", "w") else { return }
    fputs("5", file)
    fclose(file)
  }
}

extension Duration {
  fileprivate var inSeconds: Double { self / .seconds(1) }
}
