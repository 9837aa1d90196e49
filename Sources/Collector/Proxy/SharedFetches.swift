package import AsyncPrimitives
package import Roll
internal import Synchronization

/// Fetches responses for clients. Equal requests share one fetch until its response begins. A later request starts a new fetch, so that no
/// client receives data collected before it asked.
///
/// Fetches run as children of `run`, not of the client's task: a client that disconnects neither affects other clients nor aborts the
/// request to the node.
///
/// A fetch holds a slot from before its request is sent until its last reader is released. The slots bound memory: a request that waits
/// for a slot holds no data.
package final class SharedFetches<Key: Hashable & Sendable>: Sendable {
  /// - Parameters: the destination of the response, and how long the fetch waited for its slot.
  typealias Producer = @Sendable (_ scrape: SharedScrape, _ waited: Duration) async -> Result<Void, Miss>

  private struct Job: Sendable {
    var key: Key
    var scrape: SharedScrape
    var posted: ContinuousClock.Instant
    var produce: Producer
  }

  private struct State {
    var joinable: [Key: SharedScrape] = [:]
    var running: [ObjectIdentifier: SharedScrape] = [:]
    var isClosed = false
    var statistics = FetchStatistics()
  }

  private let state = Mutex(State())
  private let jobs: AsyncStream<Job>
  private let posting: AsyncStream<Job>.Continuation
  private let slots: AsyncSemaphore

  /// - Parameter slots: bound the concurrent scrapes. Other `SharedFetches` may use the same slots.
  package init(slots: AsyncSemaphore) {
    self.slots = slots
    (jobs, posting) = AsyncStream.makeStream()
  }

  package var statistics: FetchStatistics { state.withLock { $0.statistics } }

  /// Runs fetches until the task is cancelled. Running fetches then fail.
  package func run() async {
    await withDiscardingTaskGroup { group in
      for await job in jobs {
        group.addTask { await self.run(job) }
      }
      group.cancelAll()
    }
    let left = state.withLock { state in
      state.isClosed = true
      defer { (state.joinable, state.running) = ([:], [:]) }
      return Array(state.running.values)
    }
    for scrape in left { scrape.finish(.failure(Self.closed)) }
  }

  /// Joins a fetch with this key whose response has not begun, or starts a new one with `produce`.
  /// - Parameter deadline: when the client needs the whole response.
  func fetch(_ key: Key, until deadline: ContinuousClock.Instant, produce: @escaping Producer) throws(Miss) -> SharedScrapeReader {
    let (reader, new): (SharedScrapeReader?, SharedScrape?) = state.withLock { state in
      guard !state.isClosed else { return (nil, nil) }
      state.statistics.requests += 1
      if let reader = state.joinable[key]?.join() { return (reader, nil) }
      let scrape = SharedScrape(deadline: deadline)
      state.joinable[key] = scrape
      state.running[ObjectIdentifier(scrape)] = scrape
      state.statistics.fetches += 1
      return (scrape.join(), scrape)
    }
    guard let reader else { throw Self.closed }
    if let new { posting.yield(Job(key: key, scrape: new, posted: .now, produce: produce)) }
    return reader
  }

  private func run(_ job: Job) async {
    let end = await result(of: job)
    state.withLock { state in
      if state.joinable[job.key] === job.scrape { state.joinable[job.key] = nil }
      state.running[ObjectIdentifier(job.scrape)] = nil
      if case .failure(let miss) = end { state.statistics.failures[miss.reason, default: 0] += 1 }
    }
    job.scrape.finish(end)
  }

  private func result(of job: Job) async -> Result<Void, Miss> {
    if let slot = slots.permitIfFree() {
      job.scrape.hold(slot)
      return await job.produce(job.scrape, .zero)
    }
    guard let slot = await slots.permit(until: job.scrape.deadline) else {
      let busy = Miss(.unknown, "all \(slots.count) slots for relayed scrapes are in use")
      return .failure(Task.isCancelled ? Self.closed : busy)
    }
    job.scrape.hold(slot)
    return await job.produce(job.scrape, job.posted.duration(to: .now))
  }

  private static var closed: Miss { Miss(.unknown, "shutting down") }
}

/// Counts of requests and their results.
package struct FetchStatistics: Hashable, Sendable {
  package var requests = 0
  /// Less than `requests` if requests were joined.
  package var fetches = 0
  package var failures: [Reason: Int] = [:]

  package init() {}
}
