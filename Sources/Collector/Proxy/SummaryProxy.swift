internal import Exposition
internal import Roll

/// Relays summaries of kubelets as expositions.
package struct SummaryProxy: Sendable {
  private let source: SummarySource
  private let fetches: SharedFetches<SummaryScrapeRequest>
  private let isOnHostNetwork: @Sendable (_ namespace: String, _ pod: String) -> Bool

  /// - Parameter isOnHostNetwork: whether a pod uses its node's network.
  package init(
    source: SummarySource, fetches: SharedFetches<SummaryScrapeRequest>,
    isOnHostNetwork: @escaping @Sendable (_ namespace: String, _ pod: String) -> Bool
  ) {
    self.source = source
    self.fetches = fetches
    self.isOnHostNetwork = isOnHostNetwork
  }

  /// Starts the scrape, or joins an equal one whose response has not begun.
  package func scrape(_ request: SummaryScrapeRequest) throws(Miss) -> SharedScrapeReader {
    let timing = ScrapeTiming(timeout: request.timeout ?? source.deadline)
    return try fetches.fetch(request, until: .now + timing.deadline) { scrape, waited in
      do throws(Miss) {
        let summary = try await source.summary(of: request.node, address: request.address, deadline: timing.after(waited).deadline)
        var encoder = try ContentEncoder(isGzip: request.isCompressed)
        let text = summary.exposition(of: request.node) { isOnHostNetwork($0.namespace, $0.name) }
        scrape.begin(
          ScrapeHead(status: 200, contentType: ExpositionFormat.text.contentType, contentEncoding: encoder.contentEncoding))
        try await scrape.append(encoder.encode(text, isLast: true), until: scrape.deadline)
        return .success(())
      } catch {
        return .failure(error)
      }
    }
  }
}

/// A client's scrape of a kubelet's summary. Equal scrapes can share a response.
package struct SummaryScrapeRequest: Hashable, Sendable {
  package var node: String
  /// An IP address or a DNS name. `nil` if the API server has none.
  package var address: String?
  /// The client's timeout. `nil` if unknown.
  package var timeout: Duration?
  /// Whether the body is compressed with gzip.
  package var isCompressed: Bool

  package init(node: String, address: String?, timeout: Duration? = nil, isCompressed: Bool = false) {
    self.node = node
    self.address = address
    self.timeout = timeout
    self.isCompressed = isCompressed
  }
}
