// Collects the pods of one virtual node as the controller does with --virtual-mode push, and pushes them: what hack/bench-push runs. It links the
// collector and the pushers alone, without the API client and the web server.
import Collector
import Glibc
import HTTPTransport
import Logging
import Push
import Roll
import Synchronization

@main struct PushBenchmark {
  static func main() async throws {
    let arguments = CommandLine.arguments
    guard arguments.count == 5, let pods = Int(arguments[1]), let port = Int(arguments[2]), let rounds = Int(arguments[3]) else {
      print("usage: bench-push PODS PORT ROUNDS RECEIVER; pod n is at 127.1.(n / 250).(n % 250 + 1); RECEIVER is a URL")
      exit(64)
    }
    var settings = VirtualSettings()
    settings.endpoint.port = port
    settings.allowsLoopback = true
    settings.handsOver = true
    settings.servedFamilies = nil
    settings.deadline = .seconds(30)
    // The pages are written once, long before they are read.
    settings.stalenessLimit = .seconds(1 << 30)
    var push = PushSettings(url: arguments[4])
    push.labels = ["cluster": "east"]
    let pusher = try Pusher(settings: push, transport: try HTTPTransport(), logger: Logger(label: "bench"))
    let sink = MeasuredSink(pusher: pusher)
    let collector = VirtualCollector(transport: try HTTPTransport(), settings: settings, sink: sink)
    let roll = Self.roll(pods: pods)
    let run = Task { await pusher.run() }

    // The first round makes what is kept of each pod; the others are what goes on day by day.
    _ = await collector.call(roll)
    sink.measured.withLock { $0 = MeasuredSink.Figures() }
    let sentBefore = pusher.statistics.sent
    let start = Self.seconds(CLOCK_PROCESS_CPUTIME_ID)
    for _ in 0..<rounds { _ = await collector.call(roll) }
    while pusher.statistics.waiting > 0 { try await Task.sleep(for: .milliseconds(10)) }
    let cpu = Self.seconds(CLOCK_PROCESS_CPUTIME_ID) - start
    let figures = sink.measured.withLock { $0 }
    let statistics = pusher.statistics
    run.cancel()
    print("samples: \(figures.samples) in \(rounds) rounds, \(statistics.sent - sentBefore) sent, \(statistics.dropped) dropped")
    print("encode_rate: \(Double(figures.samples) / figures.seconds) samples/s")
    print("request_bytes: \(Double(statistics.sentBytes) / Double(statistics.sent)) B/sample")
    print("round_cpu: \(cpu / Double(rounds)) s")
    print("resident: \(Self.memory("VmRSS:")) MB")
    print("resident_peak: \(Self.memory("VmHWM:")) MB")
  }

  private static func roll(pods: Int) -> NodeRoll {
    let entries = (0..<pods).flatMap { number in
      ["log", "web"].map { container in
        RollEntry(
          reference: ContainerReference(namespace: "shop-\(number % 37)", pod: "web-\(number)", container: container), podUID: "\(number)",
          containerID: "", hostNetwork: false, podIP: "127.1.\(number / 250).\(number % 250 + 1)")
      }
    }
    return NodeRoll(node: "virtual-1", source: .virtual, address: nil, nodeReady: true, entries: entries, exempt: [], hash: "")
  }

  static func seconds(_ clock: clockid_t) -> Double {
    var time = timespec()
    clock_gettime(clock, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  /// A line of /proc/self/status in MB.
  private static func memory(_ name: String) -> Double {
    guard let file = fopen("/proc/self/status", "r") else { return .nan }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    while fgets(&line, Int32(line.count), file) != nil {
      let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
      let words = text.split(whereSeparator: \.isWhitespace)
      if words.first.map(String.init) == name { return (Double(words[1]) ?? .nan) * 1024 / 1e6 }
    }
    return .nan
  }
}

/// Hands pages to the pusher, and measures the processor time from there to compressed requests.
private final class MeasuredSink: PageSink {
  struct Figures {
    var samples = 0
    var seconds = 0.0
  }

  let measured = Mutex(Figures())
  private let pusher: Pusher

  init(pusher: Pusher) {
    self.pusher = pusher
  }

  func take(_ page: CollectedPage, _ key: VirtualPages.Key, of node: String) {
    let start = PushBenchmark.seconds(CLOCK_THREAD_CPUTIME_ID)
    var wall = timespec()
    clock_gettime(CLOCK_REALTIME, &wall)
    pusher.push(
      PushedPage(
        page, owner: "\(node)/\(key.namespace)/\(key.pod)", collectedAt: Int64(wall.tv_sec) * 1000 + Int64(wall.tv_nsec) / 1_000_000,
        endpoint: node, families: .everything))
    let seconds = PushBenchmark.seconds(CLOCK_THREAD_CPUTIME_ID) - start
    measured.withLock { figures in
      figures.samples += page.sampleCount
      figures.seconds += seconds
    }
  }

  func retain(_ keys: Set<VirtualPages.Key>, of node: String) {}

  func forget(_ node: String) {}
}
