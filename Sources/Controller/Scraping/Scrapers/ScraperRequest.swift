internal import JSON
internal import Primitives

/// The questions that a scraper is asked, as paths and parameters. None changes anything.
///
/// Source: web/api/v1/api.go of Prometheus.
enum ScraperRequest: Hashable {
  /// The names of all scrape pools. Prometheus since 2.42; not vmagent, not Thanos Query.
  case scrapePools
  /// The active targets, of one scrape pool or of all. Servers without `scrapePools` ignore the name. Never those that were dropped:
  /// Prometheus has run out of memory writing them.
  case activeTargets(pool: String?)
  /// The number of dropped targets of every pool. Prometheus sends the counts with dropped targets only, and those of all pools whatever
  /// the pool; hence a pool that does not exist.
  case droppedCounts
  /// When the configuration was loaded.
  case runtimeInformation
  /// The release.
  case buildInformation
  /// What each relabel rule of a pool makes of the labels. Prometheus since 3.8.
  case relabelSteps(pool: String, labels: [String: String])
  /// The loaded configuration, with secrets removed.
  case configuration
  /// The syntax tree of an expression. Prometheus since 3.0.
  case syntaxTree(String)
  /// Which of these metrics have samples since that time. Not in agent mode, not vmagent.
  case metrics([String], since: Timestamp)
  /// The targets from whose scrapes metric relabelling drops every sample. Not in agent mode, not vmagent.
  case emptyScrapes

  /// Where several scrape pools have a target, those of one may be left.
  private static let emptyScrapesQuery =
    "max by (namespace, pod, instance) (scrape_samples_post_metric_relabeling) == 0"
    + " and max by (namespace, pod, instance) (scrape_samples_scraped) > 0"

  /// A name that no operator makes.
  private static let noPool = "rollcall-no-such-pool"

  var path: String {
    switch self {
    case .scrapePools: "/api/v1/scrape_pools"
    case .activeTargets, .droppedCounts: "/api/v1/targets"
    case .runtimeInformation: "/api/v1/status/runtimeinfo"
    case .buildInformation: "/api/v1/status/buildinfo"
    case .relabelSteps: "/api/v1/targets/relabel_steps"
    case .configuration: "/api/v1/status/config"
    case .syntaxTree: "/api/v1/parse_query"
    case .metrics: "/api/v1/label/__name__/values"
    case .emptyScrapes: "/api/v1/query"
    }
  }

  private var parameters: [(name: String, value: String)] {
    switch self {
    case .scrapePools, .runtimeInformation, .buildInformation, .configuration: []
    case .syntaxTree(let expression): [("query", expression)]
    case .metrics(let names, let since):
      names.map { ("match[]", "{__name__=\(Self.quoted($0))}") } + [("start", "\(since.unixMilliseconds / 1000)")]
    case .emptyScrapes: [("query", Self.emptyScrapesQuery)]
    case .activeTargets(let pool): [("state", "active")] + (pool.map { [("scrapePool", $0)] } ?? [])
    case .droppedCounts: [("state", "dropped"), ("scrapePool", Self.noPool)]
    case .relabelSteps(let pool, let labels):
      [
        ("scrapePool", pool),
        ("labels", String(decoding: JSONValue.object(JSONObject(labels.map { ($0, .string($1)) })).bytes, as: UTF8.self)),
      ]
    }
  }

  /// - Parameter base: the scraper's URL, with or without a slash at the end.
  func url(at base: String) -> String {
    let query = parameters.map { "\(escapedForURL($0.name))=\(escapedForURL($0.value))" }.joined(separator: "&")
    return Self.withoutSlash(base) + path + (query.isEmpty ? "" : "?\(query)")
  }

  /// A string of PromQL.
  private static func quoted(_ text: String) -> String {
    String(decoding: JSONValue.string(text).bytes, as: UTF8.self)
  }

  private static func withoutSlash(_ url: String) -> String { url.hasSuffix("/") ? String(url.dropLast()) : url }
}
