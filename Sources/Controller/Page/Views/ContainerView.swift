internal import KubeClient
internal import Roll

extension PageBuilder {
  private static let maximumAsks = 50

  /// One container: whether it is collected, and every link from the request for a scrape to the samples.
  func containerView() async -> ViewBody {
    guard let namespace = query[.namespace], let podName = query[.pod], let containerName = query[.container] else {
      return .message(
        400, "This address is not right", ["Name a container: ?namespace=NAMESPACE&pod=NAME&container=NAME"])
    }
    let reference = ContainerReference(namespace: namespace, pod: podName, container: containerName)
    let pods = source.pods()
    guard let pod = pods[ObjectKey(namespace: namespace, name: podName)] else {
      return .message(404, "No Pod \(namespace)/\(podName)", ["There is no Pod of this name. It may be gone; its gaps have ended then."])
    }
    let names = pod.containers.map(\.name)
    guard names.contains(containerName) else {
      return .message(
        404, "No container \(containerName)",
        ["The Pod \(namespace)/\(podName) has no such container; it has \(names.joined(separator: ", "))."])
    }
    var fields: Fields = [
      "namespace": namespace, "pod": podName, "container": containerName, "workload": workload(pod.workloadName), "phase": pod.phase,
      "siblings": names.filter { $0 != containerName }.prefix(50).map {
        container(ContainerReference(namespace: namespace, pod: podName, container: $0))
      },
    ]
    if let name = pod.nodeName {
      fields["node"] = node(name)
      fields.merge(standing(of: reference, on: name)) { $1 }
    }
    let policies = policyRows(source.policies(pod))
    fields["policies"] = policies
    fields["hasPolicies"] = !policies.isEmpty
    fields.merge(endedFields(source.endedGaps().filter { $0.container == reference }.suffix(10).reversed())) { $1 }
    if source.scrapes.status.mode != .off {
      fields["isJudged"] = true
      fields.merge(await chain(of: pod, container: containerName)) { $1 }
    }
    return ViewBody(title: "Container \(containerName) of \(namespace)/\(podName)", template: "container", fields: fields)
  }

  private func standing(of reference: ContainerReference, on name: String) -> Fields {
    guard let node = ledger.nodes[name] else { return ["state": CoverageState.exempt.rawValue, "stateLabel": "on no roll"] }
    guard let row = node.row(of: reference) else {
      let exemption = node.roll.exemption(of: reference)
      return [
        "state": CoverageState.exempt.rawValue, "stateLabel": exemption.map { ContainerState.exempt($0).label } ?? "on no roll",
        "source": node.roll.source.rawValue,
      ]
    }
    let standing = node.standing(at: row, now: now, threshold: ledger.threshold)
    var fields: Fields = [
      "state": standing.state.coverage.rawValue, "stateLabel": standing.state.label, "source": node.roll.source.rawValue,
    ]
    if !standing.detail.isEmpty { fields["detail"] = short(standing.detail) }
    fields["due"] = standing.due.map(ago)
    fields["collected"] = standing.lastCollected.map(ago)
    fields["gap"] = standing.gapSince.map(ago)
    if let reason = standing.reason {
      fields["reason"] = self.reason(reason)
      fields["advice"] = advice(reason)
    }
    return fields
  }

  /// What policies decide about the Pod.
  private func policyRows(_ decision: PolicyDecision) -> [Fields] {
    var rows: [Fields] = []
    func add(_ effect: String, _ value: String?, _ policy: String?) {
      if let value, let policy { rows.append(["effect": effect, "value": short(value), "policy": policy]) }
    }
    switch decision.collection?.value {
    case .exempt(let reason): add("collection", "exempt: \(reason)", decision.collection?.policy)
    case .required: add("collection", "required", decision.collection?.policy)
    case nil: break
    }
    add("threshold", decision.threshold?.value.text, decision.threshold?.policy)
    add("grace", decision.grace?.value.text, decision.grace?.policy)
    add("scraping", decision.scraping?.value.rawValue, decision.scraping?.policy)
    add("severity of alerts", decision.severity?.value, decision.severity?.policy)
    for (label, decided) in decision.labels.sorted(by: { $0.key < $1.key }).prefix(50) {
      add("label \(label) of alerts", decided.value, decided.policy)
    }
    return rows
  }

  // MARK: Scrapes

  private func chain(of pod: PodRecord, container: String) async -> Fields {
    let explanation = await source.scrapes.explanation(of: pod)
    let mode = source.scrapes.status.mode
    let term = source.policies(pod).scraping?.value
    let asks = explanation.asks.filter { $0.expectation.container == nil || $0.expectation.container == container }
    var fields: Fields = [
      "asks": asks.prefix(Self.maximumAsks).map { fieldsOf($0, mode, term) }, "hasAsks": !asks.isEmpty,
      "scrapers": source.scrapes.summary.scrapers.prefix(20).map(scraper),
    ]
    if asks.isEmpty {
      let cause = ScrapeBreak.objects(.noMonitor(ports: []))
      fields["missing"] = self.fieldsOf(cause)
    }
    fields["nearest"] = explanation.nearest?.detail
    return fields
  }

  private func fieldsOf(_ ask: ScrapeAsk, _ mode: ScrapeCoverageMode, _ term: ScrapingTerm?) -> Fields {
    let chain = ChainExplanation(ask.expectation, ask.verdict, samplesAreKnown: ask.samplesAreKnown)
    var fields: Fields = [
      "by": ask.expectation.request.text, "outcome": chain.outcome.rawValue, "outcomeState": chain.outcome.coverage.rawValue,
      "isGap": ask.isGap(in: mode, term),
      "links": chain.links.map { link -> Fields in
        [
          "link": link.link.rawValue, "linkState": link.state.rawValue, "coverage": link.state.coverage.rawValue,
          "linkText": short(link.text),
        ]
      },
      "lagging": chain.lagging.prefix(20).map { ["scraper": $0.scraper, "lag": short($0.detail)] as Fields },
    ]
    fields["cause"] = chain.cause.map(fieldsOf)
    return fields
  }

  private func fieldsOf(_ cause: ScrapeBreak) -> Fields {
    ["why": reason(cause.reason), "causeDetail": short(cause.detail), "fix": short(cause.advice)]
  }
}

extension ChainExplanation.Outcome {
  fileprivate var coverage: CoverageState {
    switch self {
    case .scraped: .covered
    case .broken: .missing
    case .waiting: .waiting
    case .unknown: .exempt
    }
  }
}

extension ChainExplanation.Link.State {
  fileprivate var coverage: CoverageState {
    switch self {
    case .holds: .covered
    case .broken: .missing
    case .waiting: .waiting
    case .unknown: .exempt
    }
  }
}
