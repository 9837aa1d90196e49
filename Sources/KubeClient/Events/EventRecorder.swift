public import Logging
internal import Synchronization

/// Writes Events (`events.k8s.io/v1`) in the background: as many as an API server should be asked to take, and never more.
///
/// Alike events become one Event with a count. Each object has a limit, so has the whole; what is over a limit, or does not fit into the
/// queue, is dropped and counted. An API server that is out of reach is waited for; one that refuses (no right to write Events, a namespace
/// that is gone) is told of once in the log. Nothing is lost that matters: Events are a convenience, and are forgotten after an hour anyway.
public final class EventRecorder: Sendable {
  private let client: KubeClient
  private let controller: String
  private let instance: String
  private let policy: EventPolicy
  private let time: ElapsedTime
  private let logger: Logger
  private let book: Mutex<EventCorrelator>
  /// Statuses of refusals that were logged.
  private let reported = Mutex<Set<Int>>([])

  /// - Parameters:
  ///   - controller: who reports: a qualified name such as `example.com/controller`.
  ///   - instance: which of several processes; the Pod's name is one.
  public init(
    client: KubeClient, controller: String, instance: String, policy: EventPolicy = EventPolicy(),
    clock: any Clock<Duration> = ContinuousClock(), logger: Logger
  ) {
    self.client = client
    self.controller = controller
    self.instance = instance
    self.policy = policy
    self.time = ElapsedTime(clock)
    self.logger = logger
    book = Mutex(EventCorrelator(policy: policy))
  }

  /// Takes the event on; returns at once, whatever becomes of it.
  /// - Parameter limit: it is dropped, and counted as overflowed, if so many wait already; `nil` for as many as the queue takes. A lower
  ///   limit for what matters less leaves room for what matters more.
  public func record(_ event: ClusterEvent, ifFewerQueuedThan limit: Int? = nil) {
    let time = Timestamp.now
    book.withLock { $0.record(event, ifFewerQueuedThan: limit, at: self.time.now(), time: time) }
  }

  public var statistics: EventStatistics { book.withLock { $0.statistics } }

  /// Writes until the task is cancelled. What waits then is not written.
  public func run() async {
    var backoff = Backoff(policy.backoff, reset: policy.backoffReset)
    var random = SystemRandomNumberGenerator()
    while !Task.isCancelled {
      guard let write = book.withLock({ $0.next(at: time.now()) }) else {
        // Cancellation ends the sleep, and the loop.
        try? await time.sleep(policy.pollInterval)
        continue
      }
      do {
        try await send(write)
        backoff.succeeded(at: time.now())
        book.withLock { $0.written() }
      } catch {
        guard let wait = failed(write, error) else { continue }
        // As above.
        try? await time.sleep(max(wait, backoff.failed(at: time.now(), random: &random)))
      }
    }
  }

  private func send(_ write: EventWrite) async throws(KubeError) {
    if let patch = write.patch {
      do {
        _ = try await client.send(.merge(.events, write.key, patch))
        return
      } catch {
        // It was never written, or was forgotten meanwhile.
        guard case .status(let status) = error, status.isNotFound else { throw error }
      }
    }
    do {
      try await client.create(write.object(controller: controller, instance: instance), in: .events)
    } catch {
      // An earlier attempt of which only the answer was lost.
      guard case .status(let status) = error, status.isAlreadyExists else { throw error }
    }
  }

  /// - Returns: How long to wait at least before the next attempt; `nil` where there is none.
  private func failed(_ write: EventWrite, _ error: KubeError) -> Duration? {
    switch error {
    case .cancelled, .decode:
      return nil
    case .transport, .credentials:
      logger.debug("Event not written, trying again", metadata: ["error": "\(error)"])
      return book.withLock { $0.failed(write, isCounted: false) } ? .zero : nil
    case .status(let status) where status.code >= 500 || status.code == 429 || status.code == 401:
      logger.debug("Event not written, trying again", metadata: ["error": "\(error)"])
      return book.withLock { $0.failed(write, isCounted: true) }
        ? min(status.retryAfter ?? .zero, WatchPolicy.standard.longestRetryAfter) : nil
    case .status, .request, .configuration:
      book.withLock { $0.refused() }
      let code = error.status?.code ?? 0
      if reported.withLock({ $0.insert(code).inserted }) {
        logger.warning(
          "Event refused; later refusals of this kind are only counted",
          metadata: ["error": "\(error)", "about": "\(write.event.object.kind) \(write.event.object.name)"])
      }
      return nil
    }
  }
}

/// The constants of recording Events, with what led to them.
public struct EventPolicy: Hashable, Sendable {
  /// Alike events no further apart than this are one series: one Event with a count. As `finishTime` of client-go's tools/events.
  public var seriesWindow: Duration = .seconds(360)
  /// A series that goes on is written again so often, since API servers forget Events after an hour. As client-go's `refreshTime`.
  public var seriesRefresh: Duration = .seconds(1800)

  /// How many writes about one object may follow at once, and how long until each is allowed again. As the spam filter of client-go's
  /// tools/record: an object that is always in trouble costs no more than twelve writes an hour.
  public var objectBurst = 25
  public var objectRefill: Duration = .seconds(300)

  /// The same for writes about all objects: 5,000 gaps at once cost the API server ten requests a second.
  public var burst = 50
  public var refill: Duration = .milliseconds(100)

  /// Events that wait; what comes when so many do is dropped. As client-go's `maxQueuedEvents`.
  public var maximumQueue = 1_000
  /// Objects and series that are remembered. As client-go's `maxLruCacheEntries`.
  public var maximumRemembered = 4_096

  /// How often a write is tried that the API server fails to do; a server that is out of reach is waited for. As client-go's `maxTriesPerEvent`.
  public var maximumAttempts = 12
  /// The first wait after a failure, and the longest; each is twice the one before.
  public var backoff: ClosedRange<Duration> = .milliseconds(800) ... .seconds(30)
  /// After so long without a failure the next wait is the first again.
  public var backoffReset: Duration = .seconds(120)

  /// How often we look whether there is something to write: Events are for people, who do not notice half a second.
  public var pollInterval: Duration = .milliseconds(500)

  public init() {}
}

/// How recording went since the start.
public struct EventStatistics: Hashable, Sendable {
  /// Events and series that the API server took.
  public var written = 0
  /// Events that only counted in the series of another.
  public var folded = 0
  /// Events that were dropped because their object has had too many.
  public var limited = 0
  /// Events that were dropped because too many waited.
  public var overflowed = 0
  /// Events that the API server refused, or failed too often to take.
  public var refused = 0
  /// Requests that failed and were tried again.
  public var retries = 0

  public init() {}
}
