/// The constants of list and watch, with the reason for each.
public struct WatchPolicy: Hashable, Sendable {
  /// Suits clusters of any size.
  public static let standard = WatchPolicy()

  /// Objects per page of a list.
  public var pageSize = APIRequest.pageSize

  /// Whether to list by the initial events of a watch (R14). The API server then sends objects one by one from its cache, instead of
  /// building lists in memory.
  public var usesInitialEvents = true

  /// The longest pause between initial events (R15). They come from the API server's memory. They may be delayed by its request to etcd for
  /// the current version, with a timeout of 3 s, and by an etcd election, which takes seconds.
  public var initialEventsPause: Duration = .seconds(15)

  /// The longest time for all initial events (R15). 150,000 Pods of 6.4 KB are 0.95 GB, which take an API server 10 s and a 100 Mbit/s line
  /// 80 s; doubled. A paged list after that still completes within five minutes, the default threshold of a gap.
  public var initialEventsDeadline: Duration = .seconds(160)

  /// How long to list by pages after initial events were refused or stalled. Only an upgrade of the API server or etcd changes that. Lists
  /// are rare, so one useless request an hour does not matter.
  public var initialEventsRetry: Duration = .seconds(3600)

  /// The range of a watch's timeout. Chosen at random for each watch, so that clients that started together do not reconnect together
  /// (R04). Long enough to make reconnects cheap, short enough to rebalance API servers behind a load balancer after one was replaced.
  public var watchSeconds: ClosedRange<Int> = 300...600

  /// How long a watch may exceed its timeout. After that the connection is dead (R17).
  public var watchGrace: Duration = .seconds(5)

  /// How long a reopened watch may be silent before the server is asked for its version (R07). API servers send a bookmark about once a
  /// minute while anything changes in the cluster, so a healthy server is rarely asked. A list after that still completes within five
  /// minutes, the default threshold of a gap.
  public var unconfirmedSilence: Duration = .seconds(90)

  /// How often certificate files are checked during a watch (R21). If they changed, the watch continues on a new connection. The
  /// requirement is five minutes; a check is three calls of `stat`.
  public var certificatesCheck: Duration = .seconds(60)

  /// The first and the longest wait after a failure; each wait is twice the last (R10). With at most 30 s between attempts, a server that
  /// is back is found well within five minutes, the default threshold of a gap.
  public var backoff: ClosedRange<Duration> = .milliseconds(800) ... .seconds(30)

  /// The back-off starts over after this time without a failure (R10).
  public var backoffReset: Duration = .seconds(120)

  /// The longest `Retry-After` that is honoured; a wrong header must not stop us for a day.
  public var longestRetryAfter: Duration = .seconds(300)

  /// A watch that ends earlier without an event counts as failed, whatever its status (R11). Otherwise a proxy that closes connections at
  /// once would cause a tight loop.
  public var shortestHealthyWatch: Duration = .seconds(1)

  /// How long to retry the watch after internal errors of the server, before a new list (R09). etcd elects a leader within seconds, and a
  /// list would add load to a server in trouble.
  public var internalErrorPatience: Duration = .seconds(30)

  /// Bytes of one event (R12). etcd stores objects up to 1.5 MiB, and JSON may be several times larger.
  public var maximumEventBytes = 16 << 20

  public init() {}
}
