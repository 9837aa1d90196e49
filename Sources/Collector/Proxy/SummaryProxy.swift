internal import Exposition
internal import Roll

/// Hands on summaries of kubelets as pages of metrics.
package struct SummaryProxy: Sendable {
  private let source: SummarySource
  private let fetches: SharedFetches<SummaryScrapeRequest>
  private let isOnHostNetwork: @Sendable (_ namespace: String, _ pod: String) -> Bool

  /// - Parameter isOnHostNetwork: whether a pod has no network of its own.
  package init(
    source: SummarySource, fetches: SharedFetches<SummaryScrapeRequest>,
    isOnHostNetwork: @escaping @Sendable (_ namespace: String, _ pod: String) -> Bool
  ) {
    self.source = source
    self.fetches = fetches
    self.isOnHostNetwork = isOnHostNetwork
  }

  /// Begins the scrape, or joins an equal one that has just begun.
  package func page(_ scrape: SummaryScrapeRequest) throws(Miss) -> SharedScrapeReader {
    let timing = ScrapeTiming(timeout: scrape.timeout ?? source.deadline)
    return try fetches.page(scrape, until: .now + timing.deadline) { page, waited in
      do throws(Miss) {
        let summary = try await source.summary(of: scrape.node, address: scrape.address, deadline: timing.after(waited).deadline)
        var encoder = try ContentEncoder(isGzip: scrape.isCompressed)
        let text = summary.page(of: scrape.node) { isOnHostNetwork($0.namespace, $0.name) }
        page.begin(ScrapeHead(status: 200, contentType: ExpositionContentType.text, contentEncoding: encoder.contentEncoding))
        try await page.append(encoder.encode(text, isLast: true), until: page.deadline)
        return .success(())
      } catch {
        return .failure(error)
      }
    }
  }
}

/// One scrape of a kubelet's summary, as somebody asks for it. Equal scrapes can share an answer.
package struct SummaryScrapeRequest: Hashable, Sendable {
  package var node: String
  /// An IP address or a DNS name; `nil` if the API server knows none.
  package var address: String?
  /// How long the client waits; `nil` where it does not say.
  package var timeout: Duration?
  /// By gzip.
  package var isCompressed: Bool

  package init(node: String, address: String?, timeout: Duration? = nil, isCompressed: Bool = false) {
    self.node = node
    self.address = address
    self.timeout = timeout
    self.isCompressed = isCompressed
  }
}
