package import Roll

/// A kubelet's response at `/stats/summary`, not parsed.
package struct SummaryResponse: Sendable {
  package var body: [UInt8]
  /// The response header `Date`.
  package var date: String?

  package init(body: [UInt8], date: String?) {
    self.body = body
    self.date = date
  }
}

/// The source of summaries: through the API server, or directly from the kubelet.
package struct SummarySource: Sendable {
  /// - Parameters: the node, its address, and the time limit.
  package typealias Fetch = @Sendable (_ node: String, _ address: String?, _ deadline: Duration) async throws(Miss) -> SummaryResponse

  let fetch: Fetch
  /// For one response, from connecting to the last byte.
  let deadline: Duration
  /// The maximum age of a part of a summary, by the kubelet's clock. Kubelets update parts every 10 s to 60 s.
  let stalenessLimit: Duration

  package init(deadline: Duration, stalenessLimit: Duration = .seconds(120), fetch: @escaping Fetch) {
    self.fetch = fetch
    self.deadline = deadline
    self.stalenessLimit = stalenessLimit
  }

  func summary(of node: String, address: String?, deadline: Duration? = nil) async throws(Miss) -> KubeletSummary {
    let response = try await fetch(node, address, deadline ?? self.deadline)
    let freshness = Freshness(date: response.date, limit: stalenessLimit)
    return try KubeletSummary(response.body, freshness: freshness, origin: "/stats/summary of \(node)")
  }
}

/// Calls the roll of a node by reading its kubelet's summary.
package struct SummaryCollector: NodeCollector {
  private let source: SummarySource

  package init(source: SummarySource) {
    self.source = source
  }

  package func call(_ roll: NodeRoll) async -> RollCall {
    do throws(Miss) {
      let summary = try await source.summary(of: roll.node, address: roll.address)
      return roll.answered(summary.answers(for: roll.entries), lastScrape: .notObservable)
    } catch {
      return roll.missed(error, lastScrape: .notObservable)
    }
  }
}
