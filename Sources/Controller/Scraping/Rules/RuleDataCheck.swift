internal import JSON
internal import KubeClient
internal import Logging
internal import Primitives
internal import Roll
internal import Synchronization

/// The scrapers that can be asked for metrics.
struct RuleScrapers: Sendable {
  /// Without those in agent mode, which have no series.
  var clients: [ScraperClient]
  /// The names of those that cannot be asked now. Nobody knows what they have.
  var unreached: [String]
}

extension RuleScrapers {
  init(_ coverage: some ScrapeReport) {
    let scrapers = coverage.summary.scrapers.filter { $0.prometheus?.kind != .agent }
    let names = Set(scrapers.map(\.name))
    self.init(
      clients: coverage.clients.filter { names.contains($0.name) }.map(\.client),
      unreached: scrapers.filter { !$0.isReached }.map(\.name))
  }
}

/// What is known of rules without data.
struct RuleDataStatus: Sendable {
  /// When the rules were last checked; `nil` before that.
  var time: Moment?
  /// How many rules that were.
  var checked = 0
  /// In the order of namespace, object and rule.
  var rules: [RuleWithoutData] = []
  /// Why the latest check came to no result, in which case the others are of an earlier one.
  var problem: String?
}

/// Finds rules that read metrics which no scraper has: a metric that was renamed, an exporter that is gone, a typing mistake.
///
/// Once an hour it lists the PrometheusRule objects, has a scraper parse each expression, and asks all scrapers for the names, few at a time.
final class RuleDataCheck: StatusSource {
  static let period: Duration = .seconds(3600)
  /// After a check without a result.
  static let retryPeriod: Duration = .seconds(60)
  /// Names in one request. Their URL has less than 8 KB, which every server and proxy takes.
  private static let batch = 50
  /// How old a sample may be: a metric that was there within a day is only away.
  private static let lookBack: Int64 = 86_400

  private let list: @Sendable () async throws(KubeError) -> [JSONValue]
  private let scrapers: @Sendable () -> RuleScrapers
  private let time: any TimeSource
  private let logger: Logger
  private let state = Mutex(RuleDataStatus())

  /// - Parameter list: all PrometheusRule objects.
  init(
    list: @escaping @Sendable () async throws(KubeError) -> [JSONValue], scrapers: @escaping @Sendable () -> RuleScrapers,
    time: any TimeSource, logger: Logger
  ) {
    self.list = list
    self.scrapers = scrapers
    self.time = time
    self.logger = logger
  }

  convenience init(
    client: KubeClient, scrapers: @escaping @Sendable () -> RuleScrapers, time: any TimeSource, logger: Logger
  ) {
    self.init(
      list: { () throws(KubeError) in try await client.list(.prometheusRules).items }, scrapers: scrapers, time: time, logger: logger)
  }

  var status: RuleDataStatus { state.withLock { $0 } }

  /// Runs until the task is cancelled.
  func run() async {
    var names: [String: Set<String>] = [:]
    // Until then the scrapers have been found.
    await time.pause(for: Self.retryPeriod)
    while !Task.isCancelled {
      await check(&names)
      await time.pause(for: status.problem == nil ? Self.period : Self.retryPeriod)
    }
    state.withLock { $0 = RuleDataStatus() }
  }

  /// - Parameter names: of the metrics of each expression that was parsed before.
  func check(_ names: inout [String: Set<String>]) async {
    do throws(RuleDataProblem) {
      let scrapers = scrapers()
      guard scrapers.unreached.isEmpty else {
        throw RuleDataProblem("these scrapers cannot be asked: \(scrapers.unreached.sorted().prefix(8).joined(separator: ", "))")
      }
      guard !scrapers.clients.isEmpty else { throw RuleDataProblem("no scraper with series is known") }
      let rules = try await rules()
      names = try await parse(rules, scrapers.clients, known: names)
      let missing = try await missing(Set(names.values.joined()), of: scrapers.clients)
      let found = rules.compactMap { rule -> RuleWithoutData? in
        let metrics = (names[rule.expression] ?? []).intersection(missing)
        return metrics.isEmpty ? nil : RuleWithoutData(rule: rule, metrics: metrics.sorted())
      }
      state.withLock { $0 = RuleDataStatus(time: time.now, checked: rules.count, rules: found) }
    } catch {
      let isNew = state.withLock { state in
        defer { state.problem = error.reason }
        return state.problem != error.reason
      }
      if isNew, !Task.isCancelled { logger.warning("cannot tell which rules have no data", metadata: ["error": "\(error.reason)"]) }
    }
  }

  private func rules() async throws(RuleDataProblem) -> [RuleReference] {
    do {
      return try await list().flatMap(RuleReference.rules(of:)).sorted {
        ($0.namespace, $0.object, $0.group, $0.name) < ($1.namespace, $1.object, $1.group, $1.name)
      }
    } catch {
      // Without the definition there are no rules.
      if error.status?.code == 404 { return [] }
      throw RuleDataProblem("the PrometheusRule objects cannot be listed: \(error)")
    }
  }

  /// An invalid expression has no names: the operator and the scraper report it.
  private func parse(
    _ rules: [RuleReference], _ clients: [ScraperClient], known: [String: Set<String>]
  ) async throws(RuleDataProblem) -> [String: Set<String>] {
    var names: [String: Set<String>] = [:]
    for expression in Set(rules.map(\.expression)) {
      do {
        names[expression] =
          if let known = known[expression] {
            known
          } else if let tree = try await clients[0].syntaxTree(of: expression) {
            MetricNames.inSyntaxTree(tree)
          } else {
            MetricNames.inExpression(expression)
          }
      } catch {
        guard error.kind == .refused else { throw RuleDataProblem("\(error)") }
        names[expression] = []
      }
    }
    return names
  }

  /// The names that none of the scrapers has.
  private func missing(_ names: Set<String>, of clients: [ScraperClient]) async throws(RuleDataProblem) -> Set<String> {
    let since = Timestamp(unixMilliseconds: (time.reading().unixMilliseconds / 1000 - Self.lookBack) * 1000)
    var missing: Set<String> = []
    let sorted = names.sorted()
    for start in stride(from: 0, to: sorted.count, by: Self.batch) {
      var rest = Set(sorted[start..<min(start + Self.batch, sorted.count)])
      for client in clients where !rest.isEmpty {
        do {
          // A vmagent has no series.
          rest.subtract(try await client.metrics(among: rest.sorted(), since: since) ?? [])
        } catch {
          throw RuleDataProblem("\(error)")
        }
      }
      missing.formUnion(rest)
    }
    return missing
  }
}

private struct RuleDataProblem: Error {
  var reason: String

  init(_ reason: String) {
    self.reason = reason
  }
}
