package import Roll
internal import Synchronization

/// Fetches pages for those who ask. Requests that are equal and come while nothing of the answer is there share one fetch; an answer
/// that has begun is never handed to a newcomer, so nobody gets an old page for a fresh one.
///
/// Fetches run as children of `run`, not of who asks: one who goes away early costs the others nothing, and does not cut the peer off.
///
/// A fetch has a place from before the peer is asked until its last reader is released. What is in memory is bounded by the places; a
/// request that waits for one has nothing but itself.
package final class SharedFetches<Key: Hashable & Sendable>: Sendable {
  /// - Parameters: where the answer goes, and how long the fetch has waited for its place.
  typealias Producer = @Sendable (_ page: SharedScrape, _ waited: Duration) async -> Result<Void, Miss>

  private struct Job: Sendable {
    var key: Key
    var page: SharedScrape
    var posted: ContinuousClock.Instant
    var produce: Producer
  }

  private struct State {
    var joinable: [Key: SharedScrape] = [:]
    var underWay: [ObjectIdentifier: SharedScrape] = [:]
    var isClosed = false
    var statistics = FetchStatistics()
  }

  private let state = Mutex(State())
  private let jobs: AsyncStream<Job>
  private let posting: AsyncStream<Job>.Continuation
  private let places: CallSlots

  /// - Parameter places: for the pages that are under way, which others may share.
  package init(places: CallSlots) {
    self.places = places
    (jobs, posting) = AsyncStream.makeStream()
  }

  package var statistics: FetchStatistics { state.withLock { $0.statistics } }

  /// Runs fetches until the task is cancelled; those under way then end as failures.
  package func run() async {
    await withDiscardingTaskGroup { group in
      for await job in jobs {
        group.addTask { await self.run(job) }
      }
      group.cancelAll()
    }
    let left = state.withLock { state in
      state.isClosed = true
      defer { (state.joinable, state.underWay) = ([:], [:]) }
      return Array(state.underWay.values)
    }
    for page in left { page.finish(.failure(Self.closed)) }
  }

  /// A reader of a fetch with this key: of one that is under way, or of a new one that `produce` makes.
  /// - Parameter deadline: when the client is to have all of it.
  func page(_ key: Key, until deadline: ContinuousClock.Instant, produce: @escaping Producer) throws(Miss) -> SharedScrapeReader {
    let (reader, new): (SharedScrapeReader?, SharedScrape?) = state.withLock { state in
      guard !state.isClosed else { return (nil, nil) }
      state.statistics.requests += 1
      if let reader = state.joinable[key]?.join() { return (reader, nil) }
      let page = SharedScrape(deadline: deadline)
      state.joinable[key] = page
      state.underWay[ObjectIdentifier(page)] = page
      state.statistics.fetches += 1
      return (page.join(), page)
    }
    guard let reader else { throw Self.closed }
    if let new { posting.yield(Job(key: key, page: new, posted: .now, produce: produce)) }
    return reader
  }

  private func run(_ job: Job) async {
    let end = await answer(job)
    state.withLock { state in
      if state.joinable[job.key] === job.page { state.joinable[job.key] = nil }
      state.underWay[ObjectIdentifier(job.page)] = nil
      if case .failure(let miss) = end { state.statistics.failures[miss.reason, default: 0] += 1 }
    }
    job.page.finish(end)
  }

  private func answer(_ job: Job) async -> Result<Void, Miss> {
    if let place = places.takeFree() {
      job.page.occupy(place)
      return await job.produce(job.page, .zero)
    }
    guard let place = await places.take(until: job.page.deadline) else {
      let busy = Miss(.unknown, "all \(places.count) places for pages under way were taken")
      return .failure(Task.isCancelled ? Self.closed : busy)
    }
    job.page.occupy(place)
    return await job.produce(job.page, job.posted.duration(to: .now))
  }

  private static var closed: Miss { Miss(.unknown, "shutting down") }
}

/// How many pages were asked for, and what came of it.
package struct FetchStatistics: Hashable, Sendable {
  package var requests = 0
  /// Fewer than the requests where some came together.
  package var fetches = 0
  package var failures: [Reason: Int] = [:]

  package init() {}
}
