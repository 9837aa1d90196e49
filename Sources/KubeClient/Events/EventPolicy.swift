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
  public var look: Duration = .milliseconds(500)

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
