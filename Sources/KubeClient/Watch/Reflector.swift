public import Logging
internal import Synchronization

/// Keeps a store equal to one resource of the API server, by list and watch.
///
/// The store is complete once `Store.isSynced` is true, and keeps its records while the server is unreachable. Use `status` for readiness.
/// The documentation of `KubeClient` has an example.
public final class Reflector<Value: Record>: Sendable {
  /// Empty until the first list is complete.
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
    /// `nil` while `run` uses it.
    var writer: StoreWriter<Value>?
    var status = ReflectorStatus.waiting(reason: "not started")
    /// When the status became `waiting`, by the reflector's clock.
    var outOfSyncSince: Duration? = .zero

    mutating func set(_ new: ReflectorStatus, at now: Duration) {
      status = new
      outOfSyncSince = new == .synced ? nil : outOfSyncSince ?? now
    }
    var statistics = WatchStatistics()
    var refusal: Int?
  }
  private let state: Mutex<State>

  /// Sends no requests before `run()`.
  /// - Parameters:
  ///   - resource: the resource of the decoder's kind.
  ///   - policy: the standard policy suits clusters of any size.
  ///   - clock: for waits and back-off.
  ///   - random: for jitter; called once per run.
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

  /// Whether the store is in sync with the API server.
  public var status: ReflectorStatus { state.withLock { $0.status } }

  /// How long the store has not been in sync with the API server; `nil` while it is.
  public var timeOutOfSync: Duration? {
    let now = time.now()
    return state.withLock { $0.outOfSyncSince }.map { max(now - $0, .zero) }
  }

  /// The HTTP status with which the API server last refused the resource: 403 without the permission, 404 for a custom resource without a
  /// definition. `nil` while the store is in sync, and after any other failure.
  public var refusal: Int? { state.withLock { $0.refusal } }

  public var statistics: WatchStatistics { state.withLock { $0.statistics } }

  /// Lists and watches until the task is cancelled. Retries all failures with a back-off.
  ///
  /// Only one call may run at a time, since a store has one writer. A second call logs an error and returns.
  public func run() async {
    guard let writer = state.withLock({ $0.writer.take() }) else {
      logger.error("reflector is already running")
      return
    }
    await run(writing: writer)
    returnWriter(writer)
  }

  private func returnWriter(_ writer: consuming StoreWriter<Value>) {
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
      await listAndWatch(over: connection, writing: writer)
      group.cancelAll()
    }
  }

  private func listAndWatch(over connection: WatchConnection<Value>, writing writer: borrowing StoreWriter<Value>) async {
    var connection = connection
    var random: any RandomNumberGenerator = random()
    var machine = WatchStateMachine<Value>(policy: policy)
    machine.statistics = statistics
    var action = machine.start(at: time.now(), random: &random)
    state.withLock { $0.set(machine.status, at: time.now()) }
    while !Task.isCancelled {
      let event: WatchStateMachine<Value>.Event
      switch action {
      case .list(let token, let limit): event = .list(await connection.list(continue: token, limit: limit))
      case .watchInitially(let seconds, let limit): event = .watch(await connection.watchInitially(timeoutSeconds: seconds, within: limit))
      case .watch(let version, let seconds): event = .watch(await connection.watch(from: version, timeoutSeconds: seconds))
      case .read(let limit): event = .read(await connection.read(within: limit))
      case .check(let version): event = .check(await connection.check(version))
      case .publish(let publication):
        writer.publish(publication)
        event = .published
      case .wait(let duration):
        connection.close()
        // Throws only on cancellation, which ends the loop.
        try? await time.sleep(duration)
        event = .waited
      }
      if Task.isCancelled { break }
      if case .read(.filesChanged) = event { logger.info("certificates changed, watch continues on a new connection") }
      action = machine.handle(event, at: time.now(), random: &random)
      report(machine)
    }
    state.withLock { $0.set(.waiting(reason: "stopped"), at: time.now()) }
  }

  private func report(_ machine: WatchStateMachine<Value>) {
    let wereRefused = state.withLock { state in
      defer {
        state.statistics = machine.statistics
        state.refusal = machine.status == .synced ? nil : machine.refusal
      }
      return state.statistics.initialEventsRefused < machine.statistics.initialEventsRefused
    }
    if wereRefused, let refusal = machine.initialEventsRefusal {
      logger.info("initial events refused, listing in pages", metadata: ["reason": "\(refusal.reason)"])
    }
    report(machine.status)
  }

  /// Stores the status, and logs it if it changed.
  private func report(_ status: ReflectorStatus) {
    let old = state.withLock { state in
      let old = state.status
      state.set(status, at: time.now())
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

/// Whether a reflector is in sync with the API server, for readiness.
public enum ReflectorStatus: Hashable, Sendable {
  /// The store is complete, and the watch is open or is being reopened after its timeout.
  case synced
  /// The first list is not complete, or the watch is broken. The store keeps its records.
  case waiting(reason: String)
}

/// Counters of a reflector since its start.
public struct WatchStatistics: Hashable, Sendable {
  /// Complete lists that replaced the store's content.
  public internal(set) var lists = 0
  /// The part of `lists` that came as initial events of a watch.
  public internal(set) var initialEvents = 0
  /// Requests for initial events that failed and were followed by a paged list.
  public internal(set) var initialEventsRefused = 0
  /// Watches that the server accepted.
  public internal(set) var watches = 0
  /// Changes received by watch.
  public internal(set) var changes = 0
  /// Watches and lists refused because their version had expired on the server.
  public internal(set) var expirations = 0
  /// Failures that were followed by a wait, including unreadable responses.
  public internal(set) var failures = 0
  /// Responses and events that could not be decoded or were too large.
  public internal(set) var unreadable = 0
}
