package import Roll

/// A kubelet's answer at `/stats/summary`, as it came.
package struct SummaryResponse: Sendable {
  package var body: [UInt8]
  /// The header `Date` of the answer.
  package var date: String?

  package init(body: [UInt8], date: String?) {
    self.body = body
    self.date = date
  }
}

/// Where summaries come from: through the API server, or from the kubelet itself.
package struct SummarySource: Sendable {
  /// - Parameters: the node, its address, and how long it may take.
  package typealias Fetch = @Sendable (_ node: String, _ address: String?, _ deadline: Duration) async throws(Miss) -> SummaryResponse

  let fetch: Fetch
  /// For one answer, from connecting to the last byte.
  let deadline: Duration
  /// How old a part of a summary may be by the kubelet's clock. Kubelets bring parts up to date every 10 s to a minute.
  let stalenessLimit: Duration

  package init(deadline: Duration, stalenessLimit: Duration = .seconds(120), fetch: @escaping Fetch) {
    self.fetch = fetch
    self.deadline = deadline
    self.stalenessLimit = stalenessLimit
  }

  func summary(of node: String, address: String?, deadline: Duration? = nil) async throws(Miss) -> KubeletSummary {
    let answer = try await fetch(node, address, deadline ?? self.deadline)
    let freshness = Freshness(date: answer.date, limit: stalenessLimit)
    return try KubeletSummary(answer.body, freshness: freshness, origin: "/stats/summary of \(node)")
  }
}

/// Calls the roll of a node by its kubelet's summary.
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
