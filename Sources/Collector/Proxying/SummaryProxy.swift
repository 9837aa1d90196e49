internal import Exposition
internal import Roll

/// Hands on summaries of kubelets as pages of metrics.
package struct SummaryProxy: Sendable {
  private let source: SummarySource
  private let fetches: SharedFetches<SummaryScrape>

  package init(source: SummarySource, fetches: SharedFetches<SummaryScrape>) {
    self.source = source
    self.fetches = fetches
  }

  /// Begins the scrape, or joins an equal one that has just begun.
  package func page(_ scrape: SummaryScrape) throws(Miss) -> SharedPageReader {
    try fetches.page(scrape) { page in
      do throws(Miss) {
        let timing = ScrapeTiming(timeout: scrape.timeout ?? source.deadline)
        let end = ContinuousClock.now + timing.deadline
        let summary = try await source.summary(of: scrape.node, address: scrape.address, deadline: timing.deadline)
        page.begin(PageHead(status: 200, contentType: ExpositionContentType.text))
        try await page.append(summary.page(of: scrape.node), until: end)
        return .success(())
      } catch {
        return .failure(error)
      }
    }
  }
}

/// One scrape of a kubelet's summary, as somebody asks for it. Equal scrapes can share an answer.
package struct SummaryScrape: Hashable, Sendable {
  package var node: String
  /// An IP address or a DNS name; `nil` if the API server knows none.
  package var address: String?
  /// How long the client waits; `nil` where it does not say.
  package var timeout: Duration?

  package init(node: String, address: String?, timeout: Duration? = nil) {
    self.node = node
    self.address = address
    self.timeout = timeout
  }
}
