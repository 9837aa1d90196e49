public import Logging
internal import Synchronization

/// Keeps a store equal to what the API server has of one resource, by list and watch.
///
/// The store has a whole list from when `Store.isSynced` is true, and keeps what it has while the server is away. `status` says how it stands,
/// for a readiness check. `KubeClient` has an example.
public final class Reflector<Value: Record>: Sendable {
  /// What is known; empty until the first list is through.
  public let store: Store<Value>

  let client: KubeClient
  let resource: APIResource
  let selection: Selection
  let decoder: RecordDecoder<Value>
  let policy: WatchPolicy
  private let time: ElapsedTime
  private let random: @Sendable () -> any RandomNumberGenerator
  let logger: Logger

  private struct State: ~Copyable {
    /// Away while `run` has it.
    var writer: StoreWriter<Value>?
    var status = ReflectorStatus.waiting(reason: "not started")
    var statistics = WatchStatistics()
  }
  private let state: Mutex<State>

  /// Nothing happens before `run()`.
  /// - Parameters:
  ///   - resource: of the kind that the decoder reads.
  ///   - selection: which of the objects.
  ///   - decoder: what is kept of each.
  ///   - policy: the constants of list and watch; the standard ones suit a cluster of any size.
  ///   - clock: for waits and back-off.
  ///   - random: for jitter; called once a run.
  public init(
    client: KubeClient, resource: APIResource, selection: Selection = .all, decoder: RecordDecoder<Value>, policy: WatchPolicy = .standard,
    clock: any Clock<Duration> = ContinuousClock(),
    random: @escaping @Sendable () -> any RandomNumberGenerator = { SystemRandomNumberGenerator() }, logger: Logger
  ) {
    let store = Store<Value>()
    self.store = store
    self.client = client
    self.resource = resource
    self.selection = selection
    self.decoder = decoder
    self.policy = policy
    self.time = ElapsedTime(clock)
    self.random = random
    var logger = logger
    logger[metadataKey: "resource"] = "\(resource.plural)"
    self.logger = logger
    state = Mutex(State(writer: StoreWriter(store: store)))
  }

  /// How it stands with the API server now.
  public var status: ReflectorStatus { state.withLock { $0.status } }

  /// What it has done so far.
  public var statistics: WatchStatistics { state.withLock { $0.statistics } }

  /// Lists and watches until the task is cancelled. Whatever fails is tried again, with a back-off; nothing is thrown.
  ///
  /// A store has one writer: while one call runs, another returns at once and says so in the log.
  public func run() async {
    guard let writer = state.withLock({ $0.writer.take() }) else {
      logger.error("reflector runs already")
      return
    }
    await run(writing: writer)
    giveBack(writer)
  }

  private func giveBack(_ writer: consuming StoreWriter<Value>) {
    var writer = Optional(writer)
    state.withLock { $0.writer = writer.take() }
  }

  private func run(writing writer: borrowing StoreWriter<Value>) async {
    let connection = WatchConnection(
      store: store, client: client, resource: resource, selection: selection, decoder: decoder, policy: policy, time: time)
    await withTaskGroup { group in
      if let renewal = connection.renewal {
        let (interval, time) = (policy.certificatesCheck, time)
        group.addTask { await renewal.run(every: interval, time) }
      }
      await follow(over: connection, writing: writer)
      group.cancelAll()
    }
  }

  private func follow(over connection: WatchConnection<Value>, writing writer: borrowing StoreWriter<Value>) async {
    var connection = connection
    var random: any RandomNumberGenerator = random()
    var machine = WatchStateMachine<Value>(policy: policy)
    machine.statistics = statistics
    var action = machine.start(at: time.now(), random: &random)
    state.withLock { $0.status = machine.status }
    while !Task.isCancelled {
      let fact: WatchStateMachine<Value>.Fact
      switch action {
      case .list(let token, let limit): fact = await connection.list(continue: token, limit: limit)
      case .watch(let version, let seconds): fact = await connection.watch(from: version, timeoutSeconds: seconds)
      case .watchInitially(let seconds, let limit): fact = await connection.watchInitially(timeoutSeconds: seconds, within: limit)
      case .read(let limit): fact = await connection.read(within: limit)
      case .check(let version): fact = await connection.check(version)
      case .publish(let publication):
        writer.publish(publication)
        fact = .published
      case .wait(let duration):
        connection.close()
        // Cancellation ends the wait, and then the loop.
        try? await time.sleep(duration)
        fact = .waited
      }
      if Task.isCancelled { break }
      if case .outdated = fact { logger.info("certificates have changed, watching on over a new connection") }
      action = machine.handle(fact, at: time.now(), random: &random)
      note(machine)
    }
    state.withLock { $0.status = .waiting(reason: "stopped") }
  }

  private func note(_ machine: WatchStateMachine<Value>) {
    let wereRefused = state.withLock { state in
      defer { state.statistics = machine.statistics }
      return state.statistics.initialEventsRefused < machine.statistics.initialEventsRefused
    }
    if wereRefused, let refusal = machine.initialEventsRefusal {
      logger.info("initial events refused, listing in pages", metadata: ["reason": "\(refusal.reason)"])
    }
    note(machine.status)
  }

  /// Remembers the status, and logs it where it is another kind of news than the last.
  private func note(_ status: ReflectorStatus) {
    let old = state.withLock { state in
      let old = state.status
      state.status = status
      return old
    }
    guard old != status else { return }
    switch status {
    case .synced: logger.info("watch in sync")
    case .waiting(let reason): logger.warning("watch not in sync", metadata: ["reason": "\(reason)"])
    }
  }
}

extension StoreWriter {
  fileprivate borrowing func publish(_ publication: WatchStateMachine<Value>.Publication) {
    switch publication {
    case .all(let records): replaceAll(with: records)
    case .changes(let changes): apply(changes)
    }
  }
}

/// How a reflector stands with the API server, for readiness.
public enum ReflectorStatus: Hashable, Sendable {
  /// The store has a whole list and the watch goes on, or is between two streams as it should.
  case synced
  /// Not in touch, or not yet, and why; the store keeps what it has.
  case waiting(reason: String)
}

/// What a reflector has done since it started, for metrics. All only grow.
public struct WatchStatistics: Hashable, Sendable {
  /// Whole lists that replaced the store's content.
  public internal(set) var lists = 0
  /// Of those lists, the ones that came as the initial events of a watch.
  public internal(set) var initialEvents = 0
  /// Times that initial events were asked for and did not come to their end, so that a plain list followed.
  public internal(set) var initialEventsRefused = 0
  /// Watches that the server accepted.
  public internal(set) var watches = 0
  /// Changes received by watch.
  public internal(set) var changes = 0
  /// Watches and lists that asked for a version which the server no longer knew.
  public internal(set) var expirations = 0
  /// Attempts that failed and were followed by a wait, unreadable answers among them.
  public internal(set) var failures = 0
  /// Answers and events that could not be decoded or were too large.
  public internal(set) var unreadable = 0
}
