internal import Roll

/// A target as the labels of its series have it.
struct ScrapedInstance: Hashable, Sendable {
  var instance: String
  var namespace: String
  var pod: String
}

/// What one scraper was last read to say.
struct ScraperReading: Sendable {
  /// The scrape pools of a scraper, as far as it tells.
  enum Pools: Hashable, Sendable {
    case named(Set<String>)
    /// It does not tell: all its targets are in one table.
    case untold
  }

  /// The targets of one scrape pool.
  struct Pool: Sendable {
    var table: TargetTable
    var readAt: Moment
  }

  /// Why nothing is known; `nil` if the scraper was reached.
  var error: ScraperError?
  var pools = Pools.named([])
  /// When `pools` was read.
  var readAt: Moment
  /// When it loaded its configuration; `nil` if it does not tell.
  var configuredAt: Moment?
  /// By scrape pool; `nil` if it does not count.
  var droppedCounts: [String: Int]?
  /// The targets whose samples are all dropped; `nil` if it cannot be queried.
  var emptyScrapes: Set<ScrapedInstance>?
  /// The tables that were read, by scrape pool; under `wholeKey` where pools are untold.
  private(set) var tables: [String: Pool] = [:]
  /// Why the targets of a scrape pool could not be read.
  private(set) var failures: [String: ScraperError] = [:]

  static let wholeKey = ""

  /// A scraper that was not asked yet.
  init(notAsked name: String, at now: Moment) {
    readAt = now
    error = ScraperError(.unsent, url: name, "it has not been asked yet")
  }

  /// Whether the targets of all its scrape pools are known.
  var isComplete: Bool { error == nil && wanted.allSatisfy { tables[$0] != nil } }

  var targetCount: Int { tables.values.reduce(0) { $0 + $1.table.count } }

  var poolCount: Int {
    switch pools {
    case .named(let names): names.count
    case .untold: 0
    }
  }

  /// The keys of `tables`.
  var wanted: Set<String> {
    switch pools {
    case .named(let names): names
    case .untold: [Self.wholeKey]
    }
  }

  /// The scraper cannot be asked: nothing is known of its targets.
  mutating func fail(_ error: ScraperError) {
    self.error = error
    tables = [:]
    failures = [:]
  }

  mutating func reached(
    _ names: [String]?, configuredAt: Moment?, droppedCounts: [String: Int]?, emptyScrapes: Set<ScrapedInstance>? = nil, at now: Moment
  ) {
    error = nil
    pools = names.map { .named(Set($0)) } ?? .untold
    readAt = now
    self.configuredAt = configuredAt
    self.droppedCounts = droppedCounts
    self.emptyScrapes = emptyScrapes
    let wanted = wanted
    tables = tables.filter { wanted.contains($0.key) }
    failures = failures.filter { wanted.contains($0.key) }
  }

  mutating func read(_ key: String, _ result: Result<TargetTable, ScraperError>, at now: Moment) {
    guard error == nil, wanted.contains(key) else { return }
    switch result {
    case .success(let table):
      tables[key] = Pool(table: table, readAt: now)
      failures[key] = nil
    case .failure(let error):
      tables[key] = nil
      failures[key] = error
    }
  }
}
