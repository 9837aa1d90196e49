/// The constants of list and watch, with what led to them.
public struct WatchPolicy: Hashable, Sendable {
  /// What suits a cluster of any size.
  public static let standard = WatchPolicy()

  /// Objects a page: at 6.4 KB a Pod a page is 3.2 MB, and 150,000 Pods are 300 requests. It is what client-go asks for.
  public var pageSize = 500

  /// Whether whole lists are asked for as the initial events of a watch (R14): the API server then sends them from its cache, object by object,
  /// instead of building lists in memory.
  public var usesInitialEvents = true

  /// How long initial events may pause before they count as stalled (R15). They come out of the API server's memory; what may hold them up is
  /// its question to etcd how far it is, which it gives up after 3 s, and an election in etcd, which takes seconds.
  public var initialEventsPause: Duration = .seconds(15)

  /// How long initial events may take (R15): 150,000 Pods of 6.4 KB are 0.95 GB, for which an API server needs 10 s and a line of 100 Mbit/s
  /// 80 s, and as much again. A list in pages after it still comes before the five minutes after which a container counts as a gap.
  public var initialEventsDeadline: Duration = .seconds(160)

  /// For how long initial events that were refused, or stalled, are not asked for again. Only another API server or another etcd changes its
  /// mind, and clusters are upgraded in hours; lists are rare enough for a useless question an hour not to matter.
  public var initialEventsRetry: Duration = .seconds(3600)

  /// When the server is to end a watch, chosen anew each time, so that clients that started together do not return together (R04). Long
  /// enough that a new watch costs nothing; short enough that API servers behind a load balancer even out after one was replaced.
  public var watchSeconds: ClosedRange<Int> = 300...600

  /// What a watch may last beyond what it asked for: the server ends it on time, or the connection is dead and nobody told us (R17).
  public var watchGrace: Duration = .seconds(5)

  /// How long a watch that was opened again may say nothing before the server is asked whether it has reached the version at all (R07). API
  /// servers send a bookmark about once a minute where anything happens in the cluster, so that healthy ones are hardly ever asked; and with
  /// the list that follows it still comes before the five minutes after which a container counts as a gap.
  public var unconfirmedSilence: Duration = .seconds(90)

  /// How often the files of certificates are looked at while a watch is open (R21): it goes on over a new connection where they have changed.
  /// Five minutes are allowed; a look is three calls of `stat`.
  public var certificatesCheck: Duration = .seconds(60)

  /// The first wait after a failure, and the longest; each is twice the one before (R10). With at most 30 s between attempts a server that
  /// was away is found again well within the five minutes after which a container counts as a gap.
  public var backoff: ClosedRange<Duration> = .milliseconds(800) ... .seconds(30)

  /// After so long without a failure the next wait is the first again (R10).
  public var backoffReset: Duration = .seconds(120)

  /// The longest `Retry-After` that is honoured: a mistaken header must not stop us for a day.
  public var longestRetryAfter: Duration = .seconds(300)

  /// A watch that ends sooner without an event has failed, whatever it said (R11): otherwise a proxy that closes at once would be asked in
  /// a tight loop.
  public var shortestHealthyWatch: Duration = .seconds(1)

  /// For so long an internal error of the server is answered by watching again, then by a list (R09): etcd chooses a new leader within
  /// seconds, and a list would add to the load of a server that is in trouble.
  public var internalErrorPatience: Duration = .seconds(30)

  /// Bytes of one event (R12). etcd takes objects of 1.5 MiB, and JSON may be several times the size of what is stored.
  public var maximumEventBytes = 16 << 20

  public init() {}
}
