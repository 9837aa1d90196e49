internal import JSON
internal import KubeClient
internal import Roll

/// Whether a Pod is scraped, and why: the response of `/api/v1/explain`.
struct PodExplanation {
  let pod: PodRecord
  let asks: [ScrapeAsk]
  let nearest: NearestMonitor?
  let scrapers: [ScraperStatus]
  let mode: ScrapeCoverageMode
  let policies: PolicyDecision

  /// - Parameter container: `nil` for all. What concerns only the Pod concerns each of its containers.
  init(
    pod: PodRecord, _ explanation: ScrapeExplanation, container: String?, scrapers: [ScraperStatus], mode: ScrapeCoverageMode,
    policies: PolicyDecision = .none
  ) {
    self.pod = pod
    self.policies = policies
    asks = explanation.asks.filter { container == nil || $0.expectation.container == nil || $0.expectation.container == container }
    nearest = explanation.nearest
    self.scrapers = scrapers
    self.mode = mode
  }

  /// Broken if a link is that should hold; otherwise the best of all.
  var outcome: ChainExplanation.Outcome {
    if asks.contains(where: { $0.isGap(in: mode, policies.scraping?.value) }) || asks.isEmpty { return .broken }
    let outcomes = Set(asks.map(\.verdict.outcome))
    return [.scraped, .waiting, .unknown].first(where: outcomes.contains) ?? .broken
  }

  func json(_ runbooks: Runbooks) -> JSONValue {
    var json: JSONValue = [
      "namespace": .string(pod.namespace), "pod": .string(pod.name), "node": pod.nodeName.map { .string($0) } ?? .null,
      "workload": pod.workload.map { ["kind": .string($0.kind), "name": .string($0.name)] } ?? .null,
      "outcome": .string(outcome.rawValue), "asks": .array(asks.map { self.json($0, runbooks) }),
      "policies": policies.json, "nearest": nearest.map { .string($0.detail) } ?? .null,
      "scrapers": [
        "known": .integer(Int64(scrapers.count)), "reached": .integer(Int64(scrapers.count { $0.isReached })),
      ],
    ]
    if asks.isEmpty { Self.add(.objects(.noMonitor(ports: [])), runbooks, to: &json) }
    return json
  }

  private func json(_ ask: ScrapeAsk, _ runbooks: Runbooks) -> JSONValue {
    let chain = ChainExplanation(ask.expectation, ask.verdict, samplesAreKnown: ask.samplesAreKnown)
    var json: JSONValue = [
      "container": ask.expectation.container.map { .string($0) } ?? .null, "by": .string(ask.expectation.request.text),
      "request": ask.expectation.request.json, "outcome": .string(chain.outcome.rawValue),
      "isGap": .bool(ask.isGap(in: mode, policies.scraping?.value)),
      "links": .array(
        chain.links.map { ["link": .string($0.link.rawValue), "state": .string($0.state.rawValue), "text": .string($0.text)] }),
      "lagging": .array(chain.lagging.map { ["scraper": .string($0.scraper), "detail": .string($0.detail)] }),
    ]
    if let cause = chain.cause { Self.add(cause, runbooks, to: &json) }
    return json
  }

  private static func add(_ cause: ScrapeBreak, _ runbooks: Runbooks, to json: inout JSONValue) {
    json["reason"] = .string(cause.reason.rawValue)
    json["detail"] = .string(cause.detail)
    json["fix"] = .string(cause.advice)
    json["runbook"] = .string(runbooks.url(cause.reason))
  }
}
