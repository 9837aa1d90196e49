import BenchmarkSupport
import Collector
import Glibc
import Gzip
import HTTPTransport
import ProcessLimits
import Roll
import VirtualNodeFixture

/// Collects the pods of one virtual node as the controller does, then renders the full scrape body and discards it. hack/bench-virtual runs
/// it. It links the collector and the encoder, but neither the API client nor the HTTP server.
@main struct VirtualBenchmark {
  static func main() async throws {
    Heap.releaseLargeBlocks()
    let arguments = CommandLine.arguments
    guard arguments.count == 6, let pods = Int(arguments[1]), let port = Int(arguments[2]), let rounds = Int(arguments[3]),
      let transfers = Int(arguments[4]), let scope = VirtualEndpoint.Scope(rawValue: arguments[5])
    else {
      print("usage: bench-virtual PODS PORT ROUNDS TRANSFERS pods|node; pod n is at 127.1.(n / 250).(n % 250 + 1), the node at 127.0.0.1")
      exit(64)
    }
    var configuration = HTTPTransportConfiguration()
    configuration.connectionCacheSize = transfers
    var settings = VirtualSettings.benchmark(port: port, deadline: .seconds(scope == .pods ? 2 : 30))
    settings.endpoint.scope = scope
    settings.maximumTransfers = transfers
    let collector = VirtualCollector(transport: try HTTPTransport(configuration: configuration), settings: settings)
    let roll = NodeRoll.virtualNode(pods: pods)

    print("base_resident: \(megabytes("VmRSS")) MB")
    var walls: [Double] = []
    var cpus: [Double] = []
    var collected = 0
    for _ in 0..<rounds {
      let (wall, cpu) = (ProcessFigures.seconds(CLOCK_MONOTONIC), ProcessFigures.seconds(CLOCK_PROCESS_CPUTIME_ID))
      let call = await collector.call(roll)
      walls.append(ProcessFigures.seconds(CLOCK_MONOTONIC) - wall)
      cpus.append(ProcessFigures.seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu)
      collected = call.answers.count { if case .collected = $0 { true } else { false } }
      if collected < call.answers.count, let missed = call.answers.first(where: { if case .missed = $0 { true } else { false } }) {
        print("missed: \(call.answers.count - collected), such as \(missed)")
      }
    }
    print("containers: \(collected) collected")
    print("round_wall: \(walls.sorted()[rounds / 2]) s")
    print("round_cpu: \(cpus.sorted()[rounds / 2]) s")
    print("resident: \(megabytes("VmRSS")) MB")
    print("resident_peak: \(megabytes("VmHWM")) MB")
    let size = collector.cache.size
    print("cache: \(Double(size.bytes) / 1e6) MB, \(size.scrapes) pages, \(size.shapes) shapes")
    try Self.serve(collector.cache)
    print("resident_after_scrapes: \(megabytes("VmRSS")) MB, peak \(megabytes("VmHWM")) MB")
  }

  private static func megabytes(_ field: String) -> Double { ProcessFigures.bytes(field) / 1e6 }

  private static func serve(_ pages: VirtualScrapeCache) throws {
    guard let snapshot = pages.snapshot() else { return }
    for isCompressed in [false, true] {
      let start = ProcessFigures.seconds(CLOCK_PROCESS_CPUTIME_ID)
      var text = GroupedExposition(snapshot)
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
      print("\(name): \(ProcessFigures.seconds(CLOCK_PROCESS_CPUTIME_ID) - start) s CPU, \(Double(bytes) / 1e6) MB")
    }
  }
}
