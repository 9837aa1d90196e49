public import Logging
internal import Primitives
internal import Synchronization

/// Writes Events (`events.k8s.io/v1`) in the background, with rate limits.
///
/// Similar events become one Event with a count. Events over the limit of their object, over the total limit, or over the queue's length
/// are dropped and counted. While the API server is unreachable, the queue waits. If it refuses (no permission to write Events, or a
/// deleted namespace), the refusal is logged once. Events are best effort; the API server deletes them after an hour.
public final class EventRecorder: Sendable {
  private let client: KubeClient
  private let controller: String
  private let instance: String
  private let policy: EventPolicy
  private let time: ElapsedTime
  private let logger: Logger
  private let correlator: Mutex<EventCorrelator>
  /// HTTP statuses of refusals that have been logged.
  private let reported = Mutex<Set<Int>>([])

  /// - Parameters:
  ///   - controller: the reporting controller, a qualified name such as `example.com/controller`.
  ///   - instance: identifies the process, e.g. the name of the Pod.
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
    correlator = Mutex(EventCorrelator(policy: policy))
  }

  /// Queues the event and returns at once.
  /// - Parameter limit: drops the event, counted as overflowed, if this many are queued already; `nil` for the whole queue. A lower limit
  ///   for less important events reserves capacity for more important ones.
  public func record(_ event: ClusterEvent, ifFewerQueuedThan limit: Int? = nil) {
    let time = Timestamp.now
    correlator.withLock { $0.record(event, ifFewerQueuedThan: limit, at: self.time.now(), time: time) }
  }

  public var statistics: EventStatistics { correlator.withLock { $0.statistics } }

  /// Writes until the task is cancelled. Queued events are then lost.
  public func run() async {
    defer { correlator.withLock { $0.forget() } }
    var backoff = Backoff(policy.backoff, reset: policy.backoffReset)
    var random = SystemRandomNumberGenerator()
    while !Task.isCancelled {
      guard let write = correlator.withLock({ $0.next(at: time.now()) }) else {
        // Throws only on cancellation, which ends the loop.
        try? await time.sleep(policy.pollInterval)
        continue
      }
      do {
        try await send(write)
        backoff.succeeded(at: time.now())
        correlator.withLock { $0.written() }
      } catch {
        guard let wait = failed(write, error) else { continue }
        // Throws only on cancellation, which ends the loop.
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
        // The Event was never written, or has been deleted.
        guard case .status(let status) = error, status.isNotFound else { throw error }
      }
    }
    do {
      try await client.create(write.object(controller: controller, instance: instance), in: .events)
    } catch {
      // An earlier attempt succeeded, and its response was lost.
      guard case .status(let status) = error, status.isAlreadyExists else { throw error }
    }
  }

  /// - Returns: The minimum wait before the retry; `nil` if there is no retry.
  private func failed(_ write: EventWrite, _ error: KubeError) -> Duration? {
    switch error {
    case .cancelled, .decode:
      return nil
    case .transport, .credentials:
      logger.debug("Event not written, retrying", metadata: ["error": "\(error)"])
      return correlator.withLock { $0.failed(write, isCounted: false) } ? .zero : nil
    case .status(let status) where status.code >= 500 || status.code == 429 || status.code == 401:
      logger.debug("Event not written, retrying", metadata: ["error": "\(error)"])
      return correlator.withLock { $0.failed(write, isCounted: true) }
        ? min(status.retryAfter ?? .zero, WatchPolicy.standard.longestRetryAfter) : nil
    case .status, .request, .configuration:
      correlator.withLock { $0.refused() }
      let code = error.status?.code ?? 0
      if reported.withLock({ $0.insert(code).inserted }) {
        logger.warning(
          "Event refused; later refusals of this kind are only counted",
          metadata: ["error": "\(error)", "object": "\(write.event.object.kind) \(write.event.object.name)"])
      }
      return nil
    }
  }
}

/// Limits and intervals of Events, with the reason for each.
public struct EventPolicy: Hashable, Sendable {
  /// Similar events within this time of each other are one series. As `finishTime` in client-go's tools/events.
  public var seriesWindow: Duration = .seconds(360)
  /// A continuing series is written again at this interval, since API servers delete Events after an hour. As client-go's `refreshTime`.
  public var seriesRefresh: Duration = .seconds(1800)

  /// The burst and the refill interval for each object. As the spam filter in client-go's tools/record: an object in constant trouble costs
  /// at most twelve writes an hour.
  public var objectBurst = 25
  public var objectRefill: Duration = .seconds(300)

  /// The burst and the refill interval for all objects: 5,000 gaps at once cost the API server ten requests a second.
  public var burst = 50
  public var refill: Duration = .milliseconds(100)

  /// Events beyond this queue length are dropped. As client-go's `maxQueuedEvents`.
  public var maximumQueue = 1_000
  /// The number of objects and of series in memory. As client-go's `maxLruCacheEntries`.
  public var maximumRemembered = 4_096

  /// The number of attempts that reach the API server. As client-go's `maxTriesPerEvent`.
  public var maximumAttempts = 12
  /// The first and the longest wait after a failure; each wait is twice the last.
  public var backoff: ClosedRange<Duration> = .milliseconds(800) ... .seconds(30)
  /// The back-off starts over after this time without a failure.
  public var backoffReset: Duration = .seconds(120)

  /// How often the queue is checked. People read Events and do not notice half a second.
  public var pollInterval: Duration = .milliseconds(500)

  public init() {}
}

/// Counters since the start.
public struct EventStatistics: Hashable, Sendable {
  /// Events and series that the API server accepted.
  public var written = 0
  /// Events that only increased the count of a series.
  public var folded = 0
  /// Events dropped by the limit of their object.
  public var limited = 0
  /// Events dropped because the queue was full.
  public var overflowed = 0
  /// Events that the API server refused, or that failed too often.
  public var refused = 0
  /// Requests that failed and were retried.
  public var retries = 0

  public init() {}
}
