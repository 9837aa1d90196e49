internal import KubeClient
internal import Primitives
internal import Roll

/// Collects the verdicts of one pass over all Pods: by workload for people, by container for the ledger. Pure.
struct ScrapePass {
  private struct GroupKey: Hashable {
    var namespace: String
    var workload: Workload
    var request: ScrapeRequest
    var state: ScrapeGroup.State
  }

  /// Containers that are not scraped usually have few different reasons, and share their texts.
  private static let maximumTexts = 10_000

  private let mode: ScrapeCoverageMode
  private var found: [GroupKey: ScrapeGroup] = [:]
  private var texts: [ScrapeBreak: String] = [:]

  init(mode: ScrapeCoverageMode) { self.mode = mode }

  /// Adds the verdicts on a Pod.
  /// - Parameter term: what a policy says about its scrapes.
  /// - Returns: what the ledger needs, for those of its containers that are not known to be scraped.
  mutating func add(
    _ asks: [(ask: ScrapeAsk, since: Moment)], of pod: PodRecord, _ term: ScrapingTerm? = nil, at now: Moment
  ) -> [ScrapeFinding] {
    guard !asks.isEmpty else { return term == .required ? notAsking(pod, at: now) : [] }
    let (namespace, name) = (pod.namespace, pod.name)
    let workload = pod.workload ?? Workload(kind: "Pod", name: name)
    // The Pod is spoken of by its first container where the container cannot be told.
    lazy var first = pod.containers.first { $0.kind == .regular }?.name ?? ""
    let scraped = Set(asks.compactMap { $0.ask.scrapedTarget })
    var worst: [String: (link: ScrapeLink, state: ScrapeFinding.State)] = [:]
    var unknown: Set<String> = []
    for (ask, since) in asks {
      count(ask, namespace, name, workload)
      if term == .notRequired { continue }
      let container = ask.expectation.container ?? first
      switch ask.verdict {
      case .broken(let cause):
        // What one monitor scrapes is scraped, though another one with the same target is broken.
        guard ask.isGap(in: mode, term), !(ask.target.map { scraped.contains($0) } ?? false) else { continue }
        // Of several broken requests the one that comes closest to a scrape.
        if let known = worst[container], known.link >= cause.link { continue }
        worst[container] = (cause.link, .broken(cause.reason, detail: text(of: cause), since: since))
      case .waiting, .unknown(.notReached), .unknown(.shardsNotReached): unknown.insert(container)
      case .scraped, .unknown: break
      }
    }
    return worst.map { ScrapeFinding(ContainerReference(namespace: namespace, pod: name, container: $0), $1.state) }
      + unknown.filter { worst[$0] == nil }
      .map { ScrapeFinding(ContainerReference(namespace: namespace, pod: name, container: $0), .unknown) }
  }

  /// A Pod that must be scraped and does not ask for it: its first container.
  private mutating func notAsking(_ pod: PodRecord, at now: Moment) -> [ScrapeFinding] {
    guard mode != .off, let container = pod.containers.first(where: { $0.kind == .regular })?.name else { return [] }
    let cause = ScrapeBreak.objects(.noMonitor(ports: []))
    return [
      ScrapeFinding(
        ContainerReference(namespace: pod.namespace, pod: pod.name, container: container),
        .broken(cause.reason, detail: text(of: cause), since: now))
    ]
  }

  /// Sorted by namespace, workload and request.
  var groups: [ScrapeGroup] {
    found.values.sorted { left, right in
      (left.namespace, left.workload.kind, left.workload.name) == (right.namespace, right.workload.kind, right.workload.name)
        ? (left.request.text, left.state.text) < (right.request.text, right.state.text)
        : (left.namespace, left.workload.kind, left.workload.name) < (right.namespace, right.workload.kind, right.workload.name)
    }
  }

  private mutating func count(_ ask: ScrapeAsk, _ namespace: String, _ pod: String, _ workload: Workload) {
    let key = GroupKey(namespace: namespace, workload: workload, request: ask.expectation.request.withoutService, state: ask.state)
    if (found[key]?.count += 1) != nil { return }
    found[key] = ScrapeGroup(
      namespace: namespace, workload: workload, request: key.request, state: key.state, count: 1,
      example: ContainerReference(namespace: namespace, pod: pod, container: ask.expectation.container ?? ""), detail: detail(of: ask))
  }

  private mutating func detail(of ask: ScrapeAsk) -> String {
    switch ask.verdict {
    case .broken(let cause): text(of: cause)
    case .unknown(let cause): cause.detail
    case .scraped, .waiting: ""
    }
  }

  private mutating func text(of cause: ScrapeBreak) -> String {
    if let known = texts[cause] { return known }
    let text = cause.detail
    if texts.count < Self.maximumTexts { texts[cause] = text }
    return text
  }
}

extension ScrapeAsk {
  var target: ExpectedTarget? {
    if case .target(let target, _) = expectation.outcome { target } else { nil }
  }

  fileprivate var scrapedTarget: ExpectedTarget? {
    if case .scraped = verdict { target } else { nil }
  }

  fileprivate var state: ScrapeGroup.State {
    switch verdict {
    case .scraped: .scraped
    case .waiting: .waiting
    case .unknown: .unknown
    case .broken(let cause): .broken(cause.reason)
    }
  }
}

extension ScrapeGroup.State {
  /// The state's name in metrics and API: `Scraped`, `Waiting`, `Unknown`, or the reason.
  package var text: String {
    switch self {
    case .scraped: "Scraped"
    case .waiting: "Waiting"
    case .unknown: "Unknown"
    case .broken(let reason): reason.rawValue
    }
  }
}

extension ScrapeRequest {
  var withoutService: ScrapeRequest {
    switch self {
    case .monitor(let monitor, let endpoint, _): .monitor(monitor, endpoint: endpoint, service: nil)
    case .annotations: .annotations(service: nil)
    case .discovery, .portName: self
    }
  }
}
