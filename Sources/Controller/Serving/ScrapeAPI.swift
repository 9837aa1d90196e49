internal import Hummingbird
internal import JSON
internal import KubeClient
internal import Roll

/// Whether containers are scraped, as JSON.
struct ScrapeAPI {
  /// The number of groups in a response, unless a request limits it.
  static let defaultLimit = 500
  private static let maximumLimit = 5000

  private let controller: ControllerStatus

  init(_ controller: ControllerStatus) {
    self.controller = controller
  }

  // MARK: One Pod

  func explain(_ request: Request) async -> ServerResponse {
    if let refusal { return refusal }
    let parameters = request.uri.queryParameters
    guard let namespace = parameters["namespace"], let name = parameters["pod"], !namespace.isEmpty, !name.isEmpty else {
      return .problem(.badRequest, "name a Pod: ?namespace=NAMESPACE&pod=NAME, and &container=NAME for one of its containers")
    }
    guard let pod = controller.pod(String(namespace), String(name)) else {
      return .problem(.notFound, "there is no Pod \(namespace)/\(name)")
    }
    let container = parameters["container"].map(String.init)
    let containers = pod.containers.map(\.name)
    if let container, !containers.contains(container) {
      return .problem(.notFound, "the Pod \(namespace)/\(name) has no container \(container); it has \(containers.joined(separator: ", "))")
    }
    let coverage = controller.coverage
    let explanation = await coverage.explanation(of: pod)
    return .json(
      PodExplanation(
        pod: pod, explanation, container: container, scrapers: coverage.summary.scrapers, mode: coverage.status.mode,
        policies: controller.policies.decision(on: pod)
      ).json(controller.settings.runbooks))
  }

  // MARK: All

  /// A selection of the groups.
  private struct Filter {
    var namespace: String?
    var workload: String?
    var monitor: String?
    var reason: String?
    var state: String?

    init(_ parameters: Parameters) {
      func value(_ name: Substring) -> String? { parameters[name].map(String.init) }
      namespace = value("namespace")
      workload = value("workload")
      monitor = value("monitor")
      reason = value("reason")
      state = value("state")
    }

    func matches(_ group: ScrapeGroup) -> Bool {
      (namespace == nil || group.namespace == namespace)
        && (workload == nil || [group.workload.name, "\(group.workload)"].contains(workload))
        && (monitor == nil || group.request.monitorID.map { [$0.name, "\($0.namespace)/\($0.name)"].contains(monitor) } == true)
        && (reason == nil || group.state.reason?.rawValue == reason)
        && (state == nil || group.state.outcome.rawValue == state)
    }
  }

  func scrapes(_ request: Request) -> ServerResponse {
    if let refusal { return refusal }
    let parameters = request.uri.queryParameters
    let states = ChainExplanation.Outcome.allCases.map(\.rawValue)
    if let state = parameters["state"], !states.contains(String(state)) {
      return .problem(.badRequest, "state \"\(state)\" is not one of \(states.joined(separator: ", "))")
    }
    guard let limit = Self.number(parameters["limit"], default: Self.defaultLimit, in: 1...Self.maximumLimit),
      let offset = Self.number(parameters["offset"], default: 0, in: 0...Int.max)
    else {
      return .problem(.badRequest, "limit is a number from 1 to \(Self.maximumLimit), and offset one from 0")
    }
    let filter = Filter(parameters)
    let summary = controller.coverage.summary
    let groups = summary.groups.filter(filter.matches)
    let page = groups.dropFirst(offset).prefix(limit)
    let next = offset + page.count
    return .json([
      "time": summary.time.map { .string(rfc3339(controller.time.reading().unixMilliseconds(of: $0))) } ?? .null,
      "total": .integer(Int64(groups.count)), "scrapes": .array(page.map(Self.json)),
      "next": page.isEmpty || next >= groups.count ? .null : .integer(Int64(next)),
      "scrapers": .array(summary.scrapers.map(Self.json)),
    ])
  }

  /// Limit and offset of a request that was not refused.
  static func page(of request: Request) -> (limit: Int, offset: Int) {
    let parameters = request.uri.queryParameters
    return (
      number(parameters["limit"], default: defaultLimit, in: 1...maximumLimit) ?? defaultLimit,
      number(parameters["offset"], default: 0, in: 0...Int.max) ?? 0
    )
  }

  /// Path and query of the same request for the largest page from an offset on.
  static func largestPage(of request: Request, from offset: Int) -> String {
    let query = (request.uri.query ?? "").split(separator: "&").filter { !$0.hasPrefix("limit=") && !$0.hasPrefix("offset=") }
    return "\(request.uri.path)?" + (query.map(String.init) + ["limit=\(maximumLimit)", "offset=\(offset)"]).joined(separator: "&")
  }

  private static func number(_ text: Substring?, default value: Int, in range: ClosedRange<Int>) -> Int? {
    guard let text else { return value }
    return Int(text).flatMap { range.contains($0) ? $0 : nil }
  }

  private static func json(_ group: ScrapeGroup) -> JSONValue {
    [
      "namespace": .string(group.namespace),
      "workload": ["kind": .string(group.workload.kind), "name": .string(group.workload.name)], "by": .string(group.request.text),
      "request": group.request.json, "state": .string(group.state.outcome.rawValue),
      "reason": group.state.reason.map { .string($0.rawValue) } ?? .null, "count": .integer(Int64(group.count)),
      "example": [
        "pod": .string(group.example.pod), "container": group.example.container.isEmpty ? .null : .string(group.example.container),
      ], "detail": .string(group.detail),
    ]
  }

  private static func json(_ scraper: ScraperStatus) -> JSONValue {
    [
      "name": .string(scraper.name), "prometheus": scraper.prometheus.map { .string("\($0)") } ?? .null,
      "shard": .integer(Int64(scraper.shard)), "url": scraper.url.map { .string($0) } ?? .null, "reached": .bool(scraper.isReached),
      "error": scraper.error.map { .string("\($0)") } ?? .null, "pools": .integer(Int64(scraper.pools)),
      "targets": .integer(Int64(scraper.targets)),
    ]
  }

  // MARK: Rules

  func rulesWithoutData() -> ServerResponse {
    if let refusal = controller.refusalWithoutLedger { return refusal }
    guard let status = controller.rulesWithoutData?.status else {
      return .problem(.notFound, "rules are not checked; see --rules-without-data")
    }
    return .json([
      "time": status.time.map { .string(rfc3339(controller.time.reading().unixMilliseconds(of: $0))) } ?? .null,
      "checked": .integer(Int64(status.checked)), "problem": status.problem.map { .string($0) } ?? .null,
      "rules": .array(
        status.rules.map { found in
          let rule = found.rule
          return [
            "namespace": .string(rule.namespace), "prometheusRule": .string(rule.object), "group": .string(rule.group),
            rule.kind.rawValue: .string(rule.name), "metrics": .array(found.metrics.map { .string($0) }),
          ]
        }),
    ])
  }

  /// The response of a replica that does not judge scrapes.
  private var refusal: ServerResponse? {
    if let refusal = controller.refusalWithoutLedger { return refusal }
    guard controller.coverage.status.mode == .off else { return nil }
    return .problem(.notFound, "whether containers are scraped is not checked: see --scrape-coverage, and the log for missing permissions")
  }
}

extension ScrapeSummary {
  /// The numbers without workloads, for `/api/v1/coverage`.
  var json: JSONValue {
    var json: JSONValue = [
      "scrapers": ["known": .integer(Int64(scrapers.count)), "reached": .integer(Int64(scrapers.count { $0.isReached }))]
    ]
    for outcome in ChainExplanation.Outcome.allCases { json[outcome.rawValue] = .integer(Int64(counts[outcome] ?? 0)) }
    return json
  }
}

extension ScrapeRequest {
  var monitorID: MonitorID? {
    switch self {
    case .monitor(let monitor, _, _), .discovery(let monitor): monitor
    case .annotations, .portName: nil
    }
  }

  var json: JSONValue {
    switch self {
    case .monitor(let monitor, let endpoint, let service):
      [
        "kind": .string(monitor.kind.rawValue), "namespace": .string(monitor.namespace), "name": .string(monitor.name),
        "endpoint": .integer(Int64(endpoint)), "service": service.map { .string($0) } ?? .null,
      ]
    case .discovery(let monitor):
      ["kind": .string(monitor.kind.rawValue), "namespace": .string(monitor.namespace), "name": .string(monitor.name)]
    case .annotations(let service): ["kind": "annotations", "service": service.map { .string($0) } ?? .null]
    case .portName: ["kind": "portName"]
    }
  }
}
