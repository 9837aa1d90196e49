// Collects the pods of one virtual node as the controller does, and serves them as one page to nobody: what hack/bench-virtual runs.
// It links the collector and the encoder alone, without the API client and the web server.
import Collector
import Glibc
import Gzip
import HTTPTransport
import Roll

@main struct VirtualNodesBenchmark {
  static func main() async throws {
    let arguments = CommandLine.arguments
    guard arguments.count == 5, let pods = Int(arguments[1]), let port = Int(arguments[2]), let rounds = Int(arguments[3]),
      let transfers = Int(arguments[4])
    else {
      print("usage: virtual-nodes-benchmark PODS PORT ROUNDS TRANSFERS; pod n is at 127.1.(n / 250).(n % 250 + 1)")
      exit(64)
    }
    var configuration = HTTPTransportConfiguration()
    configuration.connectionCacheSize = transfers
    var settings = VirtualSettings()
    settings.endpoint.port = port
    settings.maximumTransfers = transfers
    settings.allowsLoopback = true
    settings.deadline = .seconds(2)
    // The pages are written once, long before they are read.
    settings.stalenessLimit = .seconds(1 << 30)
    let collector = VirtualCollector(transport: try HTTPTransport(configuration: configuration), settings: settings)
    let roll = Self.roll(pods: pods)

    print("base_resident: \(Self.memory("VmRSS:")) MB")
    var walls: [Double] = []
    var cpus: [Double] = []
    var collected = 0
    for _ in 0..<rounds {
      let (wall, cpu) = (Self.seconds(CLOCK_MONOTONIC), Self.seconds(CLOCK_PROCESS_CPUTIME_ID))
      let call = await collector.call(roll)
      walls.append(Self.seconds(CLOCK_MONOTONIC) - wall)
      cpus.append(Self.seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu)
      collected = call.outcomes.count { if case .collected = $0 { true } else { false } }
      if collected < call.outcomes.count, let missed = call.outcomes.first(where: { if case .missed = $0 { true } else { false } }) {
        print("missed: \(call.outcomes.count - collected), such as \(missed)")
      }
    }
    print("containers: \(collected) collected")
    print("round_wall: \(walls.sorted()[rounds / 2]) s")
    print("round_cpu: \(cpus.sorted()[rounds / 2]) s")
    print("resident: \(Self.memory("VmRSS:")) MB")
    print("resident_peak: \(Self.memory("VmHWM:")) MB")
    let size = collector.pages.size
    print("cache: \(Double(size.bytes) / 1e6) MB, \(size.pages) pages, \(size.shapes) shapes")
    try Self.serve(collector.pages)
    print("resident_after_scrapes: \(Self.memory("VmRSS:")) MB, peak \(Self.memory("VmHWM:")) MB")
  }

  private static func serve(_ pages: VirtualPages) throws {
    guard let snapshot = pages.snapshot() else { return }
    for isCompressed in [false, true] {
      let start = seconds(CLOCK_PROCESS_CPUTIME_ID)
      var text = GroupedText(snapshot)
      var bytes = 0
      var sent: [UInt8] = []
      guard var encoder = GzipEncoder() else { return }
      while let count = text.withNextChunk({ chunk in
        guard isCompressed else { return chunk.count }
        sent.removeAll(keepingCapacity: true)
        encoder.encode(chunk, isLast: false, into: &sent)
        return sent.count
      }) {
        bytes += count
      }
      let name = isCompressed ? "scrape_gzip" : "scrape_identity"
      print("\(name): \(seconds(CLOCK_PROCESS_CPUTIME_ID) - start) s CPU, \(Double(bytes) / 1e6) MB")
    }
  }

  /// Four series sets a page, of which two are containers on the roll.
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

  private static func seconds(_ clock: clockid_t) -> Double {
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
