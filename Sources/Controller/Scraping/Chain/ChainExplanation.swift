/// One way in which a container asks to be scraped, with every link of the chain in words: what was looked at, and what was found.
package struct ChainExplanation: Sendable {
  package struct Link: Hashable, Sendable {
    package enum State: String, Hashable, Sendable {
      case holds, broken, waiting, unknown
    }

    package var link: ScrapeLink
    package var state: State
    /// Empty where there is nothing to say.
    package var text: String
  }

  /// Scraped, or in which way not.
  package enum Outcome: String, CaseIterable, Hashable, Sendable {
    case scraped, broken, waiting, unknown
  }

  package var outcome: Outcome
  /// Only of a broken chain.
  package var cause: ScrapeBreak?
  /// All of them, in order.
  package var links: [Link]
  /// Replicas of the scraper that do not scrape it, and why.
  package var lagging: [(scraper: String, detail: String)]

  package init(_ expectation: ScrapeExpectation, _ verdict: ScrapeChain.Verdict, samplesAreKnown: Bool = false) {
    outcome = verdict.outcome
    cause = if case .broken(let cause) = verdict { cause } else { nil }
    links = ScrapeChain.links(verdict, samplesAreKnown: samplesAreKnown).map { link, state in
      switch state {
      case .holds: Link(link: link, state: .holds, text: expectation.text(of: link, verdict))
      case .broken(let cause): Link(link: link, state: .broken, text: cause.detail)
      case .waiting: Link(link: link, state: .waiting, text: "this takes its time")
      case .unknown: Link(link: link, state: .unknown, text: verdict.unknownText(of: link))
      }
    }
    lagging =
      if case .scraped(_, _, let replicas) = verdict {
        replicas.map { ($0.scraper, $0.cause?.detail ?? "it could not be asked") }
      } else {
        []
      }
  }
}

extension ScrapeChain.Verdict {
  package var outcome: ChainExplanation.Outcome {
    switch self {
    case .scraped: .scraped
    case .waiting: .waiting
    case .unknown: .unknown
    case .broken: .broken
    }
  }

  /// What there is to say about a link that was not checked.
  fileprivate func unknownText(of link: ScrapeLink) -> String {
    guard case .unknown(let cause) = self, ScrapeChain.links(self).first(where: { $0.state == .unknown })?.link == link else { return "" }
    return cause.detail
  }
}

extension ScrapeExpectation {
  fileprivate var target: ExpectedTarget? {
    if case .target(let target, _) = outcome { target } else { nil }
  }

  /// What was looked at for a link that holds.
  fileprivate func text(of link: ScrapeLink, _ verdict: ScrapeChain.Verdict) -> String {
    switch link {
    case .asked:
      switch request {
      case .monitor(let monitor, _, let service?): "\(monitor) selects Service \(service), which selects the Pod"
      case .monitor(let monitor, _, nil): "\(monitor) selects the Pod"
      case .discovery(let monitor): "\(monitor) discovers the Pod"
      case .annotations, .portName: request.text
      }
    case .port: target.map { "\($0.hostAndPort)\($0.portName.map { " (\($0))" } ?? "")" } ?? ""
    case .endpoint:
      switch request {
      case .monitor(_, _, let service?), .annotations(let service?): "Service \(service) has the Pod as an endpoint"
      case .monitor, .discovery, .annotations, .portName: "the Pod itself is the target"
      }
    case .adopted:
      if case .target(_, .adopted(let adopters)) = outcome { adopters.map(\.prometheus.description).joined(separator: ", ") } else { "" }
    case .accepted: ""
    case .loaded: request.scrapePool.map { "scrape pool \($0)" } ?? ""
    case .active, .succeeding: verdict.scraper.map { "by \($0)" } ?? ""
    case .recent: if case .scraped(_, let age, _) = verdict { "\(age.inWholeSeconds.text) ago" } else { "" }
    case .samples: ""
    }
  }
}

extension ScrapeChain.Verdict {
  /// The process that has the target, if one has.
  fileprivate var scraper: String? {
    switch self {
    case .scraped(let name, _, _), .broken(.scrapeFailing(_, let name)), .broken(.staleScrape(_, _, let name)),
      .broken(.noSamples(let name)):
      name
    case .waiting, .unknown, .broken: nil
    }
  }
}
