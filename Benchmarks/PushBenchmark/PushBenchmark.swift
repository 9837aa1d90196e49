import BenchmarkSupport
import Collector
import Glibc
import HTTPTransport
import Logging
import ProcessLimits
import Push
import Roll
import Synchronization
import VirtualNodeFixture

@testable import Controller

/// Collects the pods of one virtual node and pushes them, as the controller does with --virtual-mode push. hack/bench-push runs it.
@main struct PushBenchmark {
  static func main() async throws {
    Heap.releaseLargeBlocks()
    let arguments = CommandLine.arguments
    guard arguments.count == 6, let pods = Int(arguments[1]), let port = Int(arguments[2]), let rounds = Int(arguments[3]),
      let version = RemoteWriteVersion(rawValue: arguments[5])
    else {
      print("usage: bench-push PODS PORT ROUNDS RECEIVER 1.0|2.0; pod n is at 127.1.(n / 250).(n % 250 + 1); RECEIVER is a URL")
      exit(64)
    }
    var settings = VirtualSettings.benchmark(port: port, deadline: .seconds(30))
    settings.feedsSink = true
    settings.servedFamilies = nil
    var push = PushSettings(url: arguments[4])
    push.labels = ["cluster": "east"]
    push.version = version
    let pusher = try Pusher(settings: push, transport: try HTTPTransport(), logger: Logger(label: "bench"))
    let sink = MeasuredSink(pusher: pusher)
    let collector = VirtualCollector(transport: try HTTPTransport(), settings: settings, sink: sink)
    let roll = NodeRoll.virtualNode(pods: pods)
    let run = Task { await pusher.run() }

    // The first round fills the cache of each pod; the others are the steady state.
    _ = await collector.call(roll)
    sink.measured.withLock { $0 = MeasuredSink.Figures() }
    let sentBefore = pusher.statistics.sent
    let start = ProcessFigures.seconds(CLOCK_PROCESS_CPUTIME_ID)
    for _ in 0..<rounds { _ = await collector.call(roll) }
    while pusher.statistics.waiting > 0 { try await Task.sleep(for: .milliseconds(10)) }
    let cpu = ProcessFigures.seconds(CLOCK_PROCESS_CPUTIME_ID) - start
    let figures = sink.measured.withLock { $0 }
    let statistics = pusher.statistics
    run.cancel()
    print("samples: \(figures.samples) in \(rounds) rounds, \(statistics.sent - sentBefore) sent, \(statistics.dropped) dropped")
    print("encode_rate: \(Double(figures.samples) / figures.seconds) samples/s")
    print("request_bytes: \(Double(statistics.sentBytes) / Double(statistics.sent)) B/sample")
    print("round_cpu: \(cpu / Double(rounds)) s")
    print("resident: \(megabytes("VmRSS")) MB")
    print("resident_peak: \(megabytes("VmHWM")) MB")
  }

  private static func megabytes(_ field: String) -> Double { ProcessFigures.bytes(field) / 1e6 }
}

/// Passes the collected samples to the pusher and measures the CPU time until they are in compressed requests.
private final class MeasuredSink: ScrapeSink {
  struct Figures {
    var samples = 0
    var seconds = 0.0
  }

  let measured = Mutex(Figures())
  private let pusher: Pusher

  init(pusher: Pusher) {
    self.pusher = pusher
  }

  func receive(_ scrape: CollectedScrape, _ key: VirtualScrapeCache.Key, of node: String) {
    let start = ProcessFigures.seconds(CLOCK_THREAD_CPUTIME_ID)
    var wall = timespec()
    clock_gettime(CLOCK_REALTIME, &wall)
    pusher.push(
      PushedScrape(
        scrape, owner: "\(node)/\(key.namespace)/\(key.pod)", collectedAt: Int64(wall.tv_sec) * 1000 + Int64(wall.tv_nsec) / 1_000_000,
        endpoint: node, families: .everything, hasMetadata: pusher.takesFamilies))
    let seconds = ProcessFigures.seconds(CLOCK_THREAD_CPUTIME_ID) - start
    measured.withLock { figures in
      figures.samples += scrape.sampleCount
      figures.seconds += seconds
    }
  }

  func retain(_ keys: Set<VirtualScrapeCache.Key>, of node: String) {}

  func forget(_ node: String) {}
}
