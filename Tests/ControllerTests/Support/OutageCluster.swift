import KubeClient
import Primitives
import Roll

@testable import Controller

/// A large cluster of which nothing has been collected for longer than the threshold, with names as long as those of clouds: what a view of
/// the page costs at most.
struct OutageCluster {
  var nodeCount = 5000
  var podsPerNode = 30
  var containersPerPod = 2
  var workloadCount = 5000
  var namespaceCount = 200

  /// When every container has a gap.
  private static let reading = ClockReading(moment: Moment(milliseconds: 400_000), unixMilliseconds: 1_700_000_400_000)

  func node(_ number: Int) -> String { "ip-10-\(number / 65536)-\(number / 256 % 256)-\(number % 256).eu-central-1.compute.internal" }
  func namespace(_ workload: Int) -> String { "team-\(workload % namespaceCount)-production" }
  func workload(_ number: Int) -> Workload { Workload(kind: "Deployment", name: "checkout-backend-service-\(number)") }

  /// The page of it, on a replica that leads.
  func source() -> PageSource {
    let ledger = LedgerStore(threshold: .seconds(300))
    let (rolls, pods) = rollsAndPods()
    let start = Moment(milliseconds: 0)
    ledger.begin(with: rolls, at: start)
    for roll in rolls {
      let answers = Array(
        repeating: Answer.missed(.agentUnreachable, detail: "connect to \(roll.address ?? ""):9754: no route to host after 3002 ms"),
        count: roll.entries.count)
      ledger.record(RollCall(answers: answers, lastScrape: .notObservable), of: roll, at: start + .seconds(10))
    }
    ledger.evaluate(at: Self.reading.moment)
    let (snapshot, ended) = (StoreSnapshot(pods), endedGaps())
    return PageSource(
      version: "1.2.3", interval: .seconds(15), threshold: .seconds(300), runbooks: .standard, time: StandingTime(fixed: Self.reading),
      rolls: RollStore(), ledger: ledger, pods: { snapshot }, scrapes: BrokenScrapes(groups: groups()), policies: { _ in .none },
      endedGaps: { ended },
      notices: { [] })
  }

  /// Views whose cost grows with the cluster, and the worst of those with a selection.
  var views: [(view: PageView, query: PageQuery)] {
    let (workload, namespace) = (workload(7), namespace(7))
    func query(_ values: (name: String, value: String)...) -> PageQuery { PageQuery(values) }
    return [
      (.overview, PageQuery()), (.overview, query(("list", "workloads"))), (.gaps, PageQuery()), (.gaps, query(("sort", "container"))),
      (.gaps, query(("sort", "reason"))), (.gaps, query(("page", "3000"))), (.gaps, query(("q", "service-77"))),
      (.gaps, query(("namespace", namespace), ("workload", "\(workload)"))), (.nodes, PageQuery()), (.nodes, query(("list", "table"))),
      (.nodes, query(("sort", "gaps"))), (.workloads, PageQuery()), (.workloads, query(("list", "table"), ("sort", "gaps"))),
      (.history, PageQuery()), (.search, query(("q", "e"))), (.node, .node(node(4999))),
      (.workload, .workload(workload, namespace: namespace)), (.container, .container(reference(node: 7, pod: 3, container: 1))),
    ]
  }

  // MARK: Parts

  private func workload(node: Int, pod: Int) -> Int { (node * podsPerNode + pod) % workloadCount }

  private func reference(node: Int, pod: Int, container: Int) -> ContainerReference {
    let number = workload(node: node, pod: pod)
    return ContainerReference(
      namespace: namespace(number), pod: podName(node: node, pod: pod), container: container == 0 ? "application" : "sidecar-\(container)")
  }

  private func podName(node: Int, pod: Int) -> String {
    "\(workload(workload(node: node, pod: pod)).name)-7d9f8b6c5d-\(node * podsPerNode + pod)"
  }

  private func rollsAndPods() -> ([NodeRoll], [PodRecord]) {
    var rolls: [NodeRoll] = []
    var pods: [PodRecord] = []
    let containerNames = (0..<containersPerPod).map { Name($0 == 0 ? "application" : "sidecar-\($0)") }
    for node in 0..<nodeCount {
      let name = self.node(node)
      let members = (0..<podsPerNode).map { pod -> PodRecord in
        let number = workload(node: node, pod: pod)
        return PodRecord(
          namespace: namespace(number), name: podName(node: node, pod: pod), uid: "uid-\(node)-\(pod)", nodeName: name, phase: "Running",
          workload: workload(number), containers: containerNames.map { ContainerRecord(name: "\($0)") })
      }.sorted { $0.identity < $1.identity }
      var entries = RollEntries(reservingPods: podsPerNode, containers: podsPerNode * containersPerPod)
      for member in members {
        entries.append(
          RollPod(identity: member.identity, address: nil, hostNetwork: false),
          containerNames.map { RollContainer(name: $0, id: ContainerStatusID("")) })
      }
      rolls.append(
        NodeRoll(
          node: name, source: .linux, address: "10.\(node / 65536).\(node / 256 % 256).\(node % 256)", nodeReady: true, entries: entries,
          exempt: [], hash: "\(node)"))
      pods += members
    }
    return (rolls, pods)
  }

  private func endedGaps() -> [EndedGap] {
    (0..<GapHistory.limit).map { number in
      EndedGap(
        count: 60, container: reference(node: number % nodeCount, pod: 0, container: 0), workload: workload(number % workloadCount),
        node: node(number % nodeCount), source: .linux, kind: .uncollected, reason: .agentUnreachable, detail: "no route to host",
        sinceUnixMilliseconds: 0, endUnixMilliseconds: 1_700_000_000_000, end: .recovered)
    }
  }

  private func groups() -> [ScrapeGroup] {
    (0..<workloadCount).map { number in
      ScrapeGroup(
        namespace: namespace(number), workload: workload(number), request: .portName, state: .broken(.noMonitor), count: 30,
        example: reference(node: 0, pod: 0, container: 0), detail: "the container declares the port metrics, and nothing selects the Pod")
    }
  }
}

/// A clock that stands.
private struct StandingTime: TimeSource {
  let fixed: ClockReading

  func reading() -> ClockReading { fixed }
  func sleep(until moment: Moment) async throws { throw CancellationError() }
}

/// Scrapes of which none happens.
private struct BrokenScrapes: ScrapeReport {
  let summary: ScrapeSummary

  init(groups: [ScrapeGroup]) {
    var summary = ScrapeSummary()
    summary.groups = groups
    self.summary = summary
  }

  var status: ScrapeCoverageStatus { ScrapeCoverageStatus(mode: .monitored) }
  var clients: [(name: String, client: ScraperClient)] { [] }
  func asks(of pod: PodRecord) -> [ScrapeAsk] { [] }
  func explanation(of pod: PodRecord) async -> ScrapeExplanation { ScrapeExplanation(asks: []) }
}
