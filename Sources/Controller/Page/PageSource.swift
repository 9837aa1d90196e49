internal import KubeClient
internal import Roll

/// What the page reads. A view reads each part once.
struct PageSource: Sendable {
  var version: String
  var interval: Duration
  var threshold: Duration
  var runbooks: Runbooks
  let time: any TimeSource
  let rolls: RollStore
  let ledger: LedgerStore
  let pods: @Sendable () -> StoreSnapshot<PodRecord>
  let scrapes: any ScrapeReport
  let policies: @Sendable (PodRecord) -> PolicyDecision
  /// Oldest first.
  let endedGaps: @Sendable () -> [EndedGap]
  let notices: @Sendable () -> [PageNotice]
}

/// Something that a person should know before anything else on the page.
struct PageNotice: Hashable, Sendable {
  var title: String
  /// One for each problem.
  var lines: [String]
}

/// A rendered view.
struct PageContent: Sendable {
  /// The HTTP status.
  var status: Int
  var html: [UInt8]
}

/// The values of a template, by name.
typealias Fields = [String: Any]
