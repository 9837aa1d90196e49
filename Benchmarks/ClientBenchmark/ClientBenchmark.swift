import BenchmarkSupport
import Glibc
import KubeClient
import Logging
import ProcessLimits

/// Watches the Nodes and Pods of a cluster with KubeClient alone and prints the CPU time and the memory of this process, one figure a line:
///
///     bench-client KUBECONFIG [--pages] [--relist] [--watch SECONDS]
///
/// It lists by initial events of a watch, or by pages with `--pages`. `--relist` lists again into the filled store; `--watch` then watches
/// for that long and counts the changes of Pods. hack/bench-client runs it and has the budgets.
@main struct ClientBenchmark {
  static func main() async throws {
    let arguments = CommandLine.arguments.dropFirst()
    guard let kubeconfig = arguments.first else {
      print("usage: bench-client KUBECONFIG [--pages] [--relist] [--watch SECONDS]")
      exit(2)
    }
    Heap.releaseLargeBlocks()
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
    report("memory at start", mebibytes("VmRSS"), "MiB")

    let start = ContinuousClock.now
    await cluster.run {
      await cluster.waitUntilListed(times: 1)
      report("time to sync", (ContinuousClock.now - start).inSeconds, "s")
      report("CPU to sync", cpuSeconds, "s")
      report("Pods", Double(cluster.pods.store.snapshot().count), "")
      try? await Task.sleep(for: .seconds(2))
      reportMemory("settled")
    }
    if arguments.contains("--relist") {
      ProcessFigures.resetPeak()
      let before = cpuSeconds
      await cluster.run {
        await cluster.waitUntilListed(times: 2)
        report("CPU of a relist", cpuSeconds - before, "s")
        try? await Task.sleep(for: .seconds(2))
        reportMemory("after a relist")
      }
    }
    guard seconds > 0 else { return }
    await cluster.run {
      await cluster.waitUntilListed(times: cluster.pods.statistics.lists + 1)
      try? await Task.sleep(for: .seconds(2))
      let (cpu, changes) = (cpuSeconds, cluster.pods.statistics.changes)
      try? await Task.sleep(for: .seconds(seconds))
      let events = Double(cluster.pods.statistics.changes - changes)
      report("events a second", events / Double(seconds), "")
      report("CPU an event", (cpuSeconds - cpu) / events * 1e6, "us")
      reportMemory("after the watch")
    }
  }

  private static func reportMemory(_ when: String) {
    report("resident memory, \(when)", mebibytes("VmRSS"), "MiB")
    report("of it anonymous, \(when)", mebibytes("RssAnon"), "MiB")
    report("resident memory, peak \(when)", mebibytes("VmHWM"), "MiB")
  }

  private static var cpuSeconds: Double { ProcessFigures.seconds(CLOCK_PROCESS_CPUTIME_ID) }

  private static func mebibytes(_ field: String) -> Double { ProcessFigures.bytes(field) / 1_048_576 }

  private static func report(_ name: String, _ value: Double, _ unit: String) {
    let hundredths = Int((value * 100).rounded())
    print("\(name)\t\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)\t\(unit)")
    fflush(nil)
  }
}

private struct Cluster: Sendable {
  let nodes: Reflector<NodeRecord>
  let pods: Reflector<PodRecord>

  /// Watches the cluster while `body` runs.
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

extension Duration {
  fileprivate var inSeconds: Double { self / .seconds(1) }
}
