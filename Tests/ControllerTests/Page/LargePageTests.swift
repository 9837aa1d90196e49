import TestSupport
import Testing

@testable import Controller

/// The page of a large cluster in an outage.
@Suite(.ownThread) struct LargePageTests {
  @Test func `R134: no view takes more than a megabyte, at 5000 nodes and 300000 gaps`() async throws {
    // Few Pods, because they take the time; no view has one more of them for more Pods.
    let cluster = OutageCluster(podsPerNode: 6, containersPerPod: 10)
    let source = cluster.source()
    #expect(source.ledger.snapshot().openGapCount == 300_000)
    let page = Page(source)
    for (view, query) in cluster.views where query[.sort] == nil && query[.page] == nil {
      let content = await page.content(of: view, query)
      #expect(content.status == 200 && content.html.count <= 1_000_000, "\(view.path)\(query.text): \(content.html.count) bytes")
    }
    let overview = String(decoding: await page.content(of: .overview, PageQuery()).html, as: UTF8.self)
    #expect(overview.contains("Containers on 5000 nodes: 0 of 300000 covered, 300000 gaps."))
    #expect(overview.ranges(of: "<a class=\"missing\" href=\"page/node?").count == 5000, "a cell for each node on one page")
  }

  @Test(arguments: [GapOrder.oldest, .newest, .container, .node, .reason])
  func `a page of gaps is the same part of all as sorting them gives`(order: GapOrder) {
    let source = OutageCluster(nodeCount: 40, podsPerNode: 30, containersPerPod: 2, workloadCount: 17, namespaceCount: 5).source()
    let (ledger, pods) = (source.ledger.snapshot(), source.pods())
    func gaps(offset: Int, limit: Int) -> [Gap] {
      GapSelection(GapFilter(), order: order, offset: offset, limit: limit, ledger: ledger, pods: pods).page
    }
    let all = gaps(offset: 0, limit: 10_000)
    #expect(all.count == 2400 && Set(all.map(\.container)).count == 2400)
    if order == .container { #expect(all.map(\.container) == all.map(\.container).sorted()) }
    for offset in [0, 1, 700, 1100, 2390, 2400] {
      #expect(gaps(offset: offset, limit: 100) == Array(all.dropFirst(offset).prefix(100)), "from \(offset)")
    }
  }

  @Test func `workloads are counted as their containers`() {
    let cluster = OutageCluster(nodeCount: 40, podsPerNode: 30, containersPerPod: 2, workloadCount: 17, namespaceCount: 5)
    let source = cluster.source()
    let now = source.time.now
    let workloads = source.ledger.snapshot().workloadCounts(source.pods(), at: now)
    #expect(workloads.count == 17 && workloads.reduce(0) { $0 + $1.pods } == 1200)
    #expect(workloads.reduce(0) { $0 + $1.counts.gaps } == 2400 && workloads.allSatisfy { $0.counts.state == .missing })
    #expect(workloads.map(\.name) == workloads.map(\.name).sorted())
  }
}
