internal import Exposition
internal import KubeClient
internal import Roll

extension ExpositionWriter {
  /// The most series of broken scrapes by workload. Those with the most containers are written.
  static let maximumBrokenScrapes = 2000

  /// Writes which of the scrapes that containers ask for happen, and which scrapers were reached.
  mutating func scrapes(_ summary: ScrapeSummary) {
    var totals: [ScrapeTotal: Int] = [:]
    var broken: [BrokenScrapes: Int] = [:]
    for group in summary.groups {
      totals[ScrapeTotal(outcome: group.state.outcome, reason: group.state.reason), default: 0] += group.count
      if let reason = group.state.reason {
        broken[BrokenScrapes(namespace: group.namespace, workload: group.workload, reason: reason), default: 0] += group.count
      }
    }
    family(
      "rollcall_expected_scrapes", .gauge, help: "Scrapes of containers that monitors and annotations ask for, by what is known of them.")
    for (total, count) in totals.sorted(by: { $0.key < $1.key }) {
      sample("rollcall_expected_scrapes", ["outcome": total.outcome.rawValue, "reason": total.reason?.rawValue ?? ""], count)
    }
    let sorted = broken.sorted { $0.value == $1.value ? $0.key < $1.key : $0.value > $1.value }
    family("rollcall_broken_scrapes", .gauge, help: "Scrapes of a workload's containers that do not happen, by reason.")
    for (scrapes, count) in sorted.prefix(Self.maximumBrokenScrapes).sorted(by: { $0.key < $1.key }) {
      sample(
        "rollcall_broken_scrapes",
        [
          "namespace": scrapes.namespace, "workload": scrapes.workload.name, "workload_kind": scrapes.workload.kind,
          "reason": scrapes.reason.rawValue,
        ], count)
    }
    family(
      "rollcall_broken_scrapes_left_out", .gauge, help: "Series of rollcall_broken_scrapes left out, because there are too many.",
      value: Double(max(0, sorted.count - Self.maximumBrokenScrapes)))
    family("rollcall_scraper_up", .gauge, help: "1 if the scraper could be asked for its targets, 0 otherwise.")
    for scraper in summary.scrapers {
      sample(
        "rollcall_scraper_up",
        ["scraper": scraper.name, "prometheus": scraper.prometheus.map { "\($0)" } ?? ""], scraper.isReached ? 1 : 0)
    }
  }

  mutating func rulesWithoutData(_ status: RuleDataStatus?) {
    family("rollcall_rules_without_data", .gauge, help: "Rules that read a metric which no scraper has.")
    if let status, status.time != nil { sample("rollcall_rules_without_data", [:], status.rules.count) }
  }
}

private struct ScrapeTotal: Hashable, Comparable {
  var outcome: ChainExplanation.Outcome
  /// `nil` unless broken.
  var reason: Reason?

  static func < (left: ScrapeTotal, right: ScrapeTotal) -> Bool {
    (left.outcome.rawValue, left.reason?.rawValue ?? "") < (right.outcome.rawValue, right.reason?.rawValue ?? "")
  }
}

private struct BrokenScrapes: Hashable, Comparable {
  var namespace: String
  var workload: Workload
  var reason: Reason

  static func < (left: BrokenScrapes, right: BrokenScrapes) -> Bool {
    (left.namespace, left.workload.kind, left.workload.name, left.reason.rawValue)
      < (right.namespace, right.workload.kind, right.workload.name, right.reason.rawValue)
  }
}
