import BenchmarkSupport
import Glibc
import HTTPTransport
import ProcessLimits

@testable import Controller

/// Reads the active targets of a scraper as the controller does, once to warm up and then again for the figures. hack/bench-targets-api
/// runs it.
@main struct TargetsAPIBenchmark {
  static func main() async throws {
    Heap.releaseLargeBlocks()
    let arguments = CommandLine.arguments
    guard arguments.count == 4, let rounds = Int(arguments[3]) else {
      print("usage: bench-targets-api REST-URL URL ROUNDS; the first has few targets")
      exit(64)
    }
    var configuration = HTTPTransportConfiguration()
    configuration.maximumTransfers = 4
    let transport = try HTTPTransport(configuration: configuration)
    _ = try await ScraperClient(url: arguments[1], transport: transport).activeTargets(pool: nil)
    let rest = ProcessFigures.bytes("VmRSS")
    ProcessFigures.resetPeak()
    var cpu: [Double] = []
    var count = 0
    for _ in 0..<rounds {
      let start = ProcessFigures.seconds(CLOCK_PROCESS_CPUTIME_ID)
      count = try await ScraperClient(url: arguments[2], transport: transport).activeTargets(pool: nil).count
      cpu.append(ProcessFigures.seconds(CLOCK_PROCESS_CPUTIME_ID) - start)
    }
    print("targets: \(count)")
    print("cpu: \(cpu.sorted()[rounds / 2]) s")
    print("above_rest: \((ProcessFigures.bytes("VmHWM") - rest) / 1e6) MB")
  }
}
