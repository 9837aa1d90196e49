internal import Logging
internal import Primitives
internal import Roll
internal import Synchronization

/// Reads one scraper over and over: its scrape pools, and the targets of one pool at a time.
final class ScraperReader: Sendable {
  /// The least time between two reads of the pools' names, and of one pool.
  static let period: Duration = .seconds(30)
  /// The wait after a failure.
  private static let backoff: ClosedRange<Duration> = .seconds(5)...(.seconds(60))
  /// The longest wait without a look at whether the reader is still wanted.
  private static let longestWait: Duration = .seconds(5)

  let scraper: Scraper
  /// `nil` if it cannot be asked.
  let client: ScraperClient?
  private let time: any TimeSource
  private let logger: Logger
  private let state: Mutex<ScraperReading>
  private let gone = Atomic(false)
  private let begun = Atomic(false)

  init(_ scraper: Scraper, client: ScraperClient?, time: any TimeSource, logger: Logger) {
    self.scraper = scraper
    self.client = client
    self.time = time
    self.logger = logger
    var reading = ScraperReading(notAsked: scraper.name, at: time.now)
    if case .nowhere(let reason) = scraper.place { reading.fail(ScraperError(.unreachable, url: scraper.name, reason)) }
    state = Mutex(reading)
  }

  /// What was last read.
  var reading: ScraperReading { state.withLock { $0 } }

  /// Whether this is the first call, so that the caller must run it.
  func begin() -> Bool { !begun.exchange(true, ordering: .relaxed) }

  /// Ends `run` within seconds.
  func stop() { gone.store(true, ordering: .relaxed) }

  private var isWanted: Bool { !Task.isCancelled && !gone.load(ordering: .relaxed) }

  /// Runs until `stop` is called or the task is cancelled.
  func run() async {
    guard let client else { return }
    var schedule = PoolSchedule(period: Self.period)
    var backoff = Backoff(Self.backoff)
    var nextOverview = time.now
    while isWanted {
      if time.now >= nextOverview {
        if let error = await readOverview(client) {
          nextOverview = time.now + backoff.failed()
          note(error)
        } else {
          backoff.succeeded()
          nextOverview = time.now + Self.period
          schedule.update(reading.wanted)
        }
      }
      let now = time.now
      let isReached = reading.error == nil
      if isReached, let read = schedule.next(now: now), read.at <= now {
        schedule.begin(read.pool, at: now)
        if await readTargets(of: read.pool, client) { nextOverview = time.now }
        continue
      }
      let next = isReached ? schedule.next(now: now).map { min($0.at, nextOverview) } ?? nextOverview : nextOverview
      await time.pause(for: min(max(next - now, .milliseconds(1)), Self.longestWait))
    }
  }

  /// - Returns: why it failed; `nil` if it did not.
  private func readOverview(_ client: ScraperClient) async -> ScraperError? {
    do throws(ScraperError) {
      let pools = try await client.scrapePools()
      // For display only.
      let loaded = pools == nil ? nil : try? await client.configurationAge()
      let counts = pools == nil ? nil : try? await client.droppedCounts()
      // An agent refuses it.
      let empty = try? await client.emptyScrapes()
      let now = time.now
      let wasAway = state.withLock { reading in
        defer {
          reading.reached(pools, configuredAt: loaded.map { now - $0 }, droppedCounts: counts, emptyScrapes: empty ?? nil, at: now)
        }
        return reading.error != nil
      }
      if wasAway { logger.info("scraper reached", metadata: ["scraper": "\(scraper.name)"]) }
      return nil
    } catch {
      return error
    }
  }

  /// - Returns: whether the scraper may be away.
  private func readTargets(of key: String, _ client: ScraperClient) async -> Bool {
    do throws(ScraperError) {
      let table = try await client.activeTargets(pool: key == ScraperReading.wholeKey ? nil : key)
      state.withLock { $0.read(key, .success(table), at: time.now) }
      return false
    } catch {
      guard isWanted else { return false }
      let isNew = state.withLock { reading in
        defer { reading.read(key, .failure(error), at: time.now) }
        return reading.failures[key] != error
      }
      if isNew {
        logger.warning(
          "cannot read the targets of a scrape pool; nothing is known of its containers",
          metadata: ["scraper": "\(scraper.name)", "pool": "\(key)", "error": "\(error)"])
      }
      return error.kind == .unreachable || error.kind == .timeout
    }
  }

  private func note(_ error: ScraperError) {
    guard isWanted else { return }
    let isNew = state.withLock { reading in
      defer { reading.fail(error) }
      return reading.error != error
    }
    if isNew {
      logger.warning(
        "cannot ask a scraper; nothing is known of its containers", metadata: ["scraper": "\(scraper.name)", "error": "\(error)"])
    }
  }
}
