import BenchmarkSupport
import Glibc

@testable import Controller

/// Measures the views of the status page for 5,000 nodes and 300,000 containers, all of which have a gap. Prints a line for each view, with
/// the CPU time of the first and of the median rendering; hack/bench-page turns them into figures.
@main struct PageBenchmark {
  private static let rounds = 5

  static func main() async {
    let cluster = OutageCluster()
    let page = Page(cluster.source())
    print("settled bytes=\(Int(ProcessFigures.bytes("VmRSS")))")
    for (view, query) in cluster.views {
      var times: [Double] = []
      var content = PageContent(status: 0, html: [])
      for _ in 0..<rounds {
        let start = ProcessFigures.seconds(CLOCK_PROCESS_CPUTIME_ID)
        content = await page.content(of: view, query)
        times.append((ProcessFigures.seconds(CLOCK_PROCESS_CPUTIME_ID) - start) * 1e3)
      }
      let median = times.sorted()[rounds / 2]
      print("\(view.path)\(query.text) status=\(content.status) first=\(times[0]) median=\(median) bytes=\(content.html.count)")
    }
    print("peak bytes=\(Int(ProcessFigures.bytes("VmHWM")))")
  }
}
