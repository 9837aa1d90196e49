internal import JSON
public import Logging
internal import Synchronization

/// Makes one of several processes the leader, by a Lease (`coordination.k8s.io/v1`) that the leader renews and the others watch.
///
///     let elector = LeaderElector(client: client, lease: ObjectKey(namespace: "monitoring", name: "writer"), identity: podName, logger: logger)
///     try await elector.run { try await writeWhatIsDue(onlyIf: { elector.isLeader }) }
public final class LeaderElector: Sendable {
  /// Who we are in the election.
  public let identity: String
  private let client: KubeClient
  private let lease: ObjectKey
  private let timing: LeaseTiming
  private let time: ElapsedTime
  private let logger: Logger
  private let election: Mutex<LeaseElection>
  /// With which status the last request failed, 0 where no answer came; `nil` if it did not fail.
  private let problem = Mutex<Int?>(nil)

  /// - Parameters:
  ///   - client: best one of its own, so that its requests never queue behind others.
  ///   - lease: which Lease; it is created where it does not exist.
  ///   - identity: other than that of every other candidate; the name of the Pod is.
  ///   - clock: must count the time that the machine is suspended, as `ContinuousClock` does (`CLOCK_BOOTTIME` on Linux).
  public init(
    client: KubeClient, lease: ObjectKey, identity: String, timing: LeaseTiming = LeaseTiming(),
    clock: any Clock<Duration> = ContinuousClock(), logger: Logger
  ) {
    self.client = client
    self.lease = lease
    self.identity = identity
    self.timing = timing
    self.time = ElapsedTime(clock)
    var logger = logger
    logger[metadataKey: "lease"] = "\(lease)"
    self.logger = logger
    election = Mutex(LeaseElection(lease: lease, identity: identity, timing: timing))
  }

  /// Whether we lead at this moment. Ask before every write: it is false as soon as the renewal deadline has passed, also after the process
  /// or the machine was stopped.
  public var isLeader: Bool { election.withLock { $0.isLeader(at: time.now()) } }

  /// Who holds the lease, as far as we have seen; `nil` for nobody.
  public var holder: String? { election.withLock { $0.holder } }

  /// Takes part in the election until the task is cancelled or the work is done.
  ///
  /// While we lead, `work` runs. It is cancelled when leadership is lost; when it has ended, the election goes on, and the work starts anew
  /// when we lead again. When it returns of its own accord, the lease is released and this returns.
  /// On cancellation this returns after the work has ended, and does not release: a cancelled task can send nothing. Call `release()` after.
  /// - Throws: What `work` throws of its own accord; the lease is released then, too.
  public func run(whileLeading work: @Sendable () async throws -> Void) async throws {
    while await campaign() {
      logger.info("leading", metadata: ["identity": "\(identity)"])
      do {
        if try await lead(work) == .done { break }
        logger.log(level: Task.isCancelled ? .info : .warning, "no longer leading", metadata: ["holder": "\(holder ?? "nobody")"])
      } catch {
        if Task.isCancelled { return }
        await release()
        throw error
      }
    }
    if !Task.isCancelled { await release() }
  }

  /// Gives the lease up if it is ours, so that another can take it at once. Nothing that the work does may go on. Tries a few times, and logs
  /// if that was in vain: the others then wait for the lease to run out.
  public func release() async {
    var request = election.withLock { $0.beginRelease(wallClock: .now) }
    // Three times reading and writing.
    for _ in 0..<6 {
      guard let next = request else { return }
      let answer = await perform(next)
      request = election.withLock { $0.handleRelease(answer, at: time.now(), wallClock: .now) }
      if case .written = answer { logger.info("lease released") }
    }
    if request != nil { logger.warning("lease not released, it runs out by itself") }
  }
}

extension LeaderElector {
  private enum Ending {
    /// The work returned.
    case done
    case lost
  }

  /// Rounds until we lead.
  /// - Returns: Whether we do; false on cancellation.
  private func campaign() async -> Bool {
    while !Task.isCancelled {
      await round()
      if isLeader { return true }
      // Up to a fifth more, so that candidates do not meet at the server each time.
      try? await time.sleep(timing.retry * Double.random(in: 1...1.2))
    }
    return false
  }

  /// Runs the work, and cancels it when we no longer lead.
  private func lead(_ work: @Sendable () async throws -> Void) async throws -> Ending {
    try await withoutActuallyEscaping(work) { work in
      try await withThrowingTaskGroup(of: Ending.self) { group in
        group.addTask {
          try await work()
          return .done
        }
        group.addTask {
          await self.renew()
          return .lost
        }
        group.addTask {
          await self.waitForDeadline()
          return .lost
        }
        let ending = try await group.next() ?? .lost
        group.cancelAll()
        // Leadership is given up only when the work has ended. What it throws now is its way of being cancelled.
        while let result = await group.nextResult() {
          if case .failure(let error) = result { logger.debug("work ended", metadata: ["error": "\(error)"]) }
        }
        return ending
      }
    }
  }

  /// Rounds until another holds the lease.
  private func renew() async {
    while !Task.isCancelled {
      do {
        try await time.sleep(timing.retry)
      } catch {
        return
      }
      await round()
      if !isLeader { return }
    }
  }

  /// Apart from the rounds, since a request may hang past the deadline.
  private func waitForDeadline() async {
    while let end = election.withLock({ $0.leadsUntil }) {
      let rest = end - time.now()
      if rest <= .zero { return }
      do {
        try await time.sleep(rest)
      } catch {
        return
      }
    }
  }

  private func round() async {
    var request: LeaseElection.Request? = election.withLock { $0.begin(at: time.now(), wallClock: .now) }
    while let next = request {
      let answer = await perform(next)
      request = election.withLock { $0.handle(answer, at: time.now(), wallClock: .now) }
    }
  }

  private func perform(_ request: LeaseElection.Request) async -> LeaseElection.Answer {
    let begunAt = time.now()
    let limits = RequestLimits(deadline: timing.request, maximumBodyBytes: RequestLimits.object.maximumBodyBytes)
    do {
      let answer: LeaseElection.Answer
      switch request {
      case .read: answer = .found(try await client.object(.get(.leases, lease), limits: limits))
      case .create(let object):
        let request = APIRequest.create(.leases, namespace: lease.namespace, object)
        answer = .written(try await client.object(request, limits: limits), begunAt: begunAt)
      case .replace(let object):
        answer = .written(try await client.object(.replace(.leases, lease, object), limits: limits), begunAt: begunAt)
      }
      note(nil)
      return answer
    } catch {
      switch (request, error.status?.code) {
      case (.read, 404): return .absent
      case (.create, 409), (.replace, 409), (.replace, 404): return .outdated
      default:
        if !Task.isCancelled { note(error) }
        return .failed
      }
    }
  }

  /// Says a problem once, and when it is over.
  private func note(_ error: KubeError?) {
    let new = error.map { $0.status?.code ?? 0 }
    let old = problem.withLock { problem in
      defer { problem = new }
      return problem
    }
    guard old != new else { return }
    if let error {
      logger.warning("lease request failed, trying again until it works", metadata: ["error": "\(error)"])
    } else {
      logger.info("lease requests work again")
    }
  }
}

/// How long a lease lasts and how often it is renewed (R30).
public struct LeaseTiming: Hashable, Sendable {
  /// For how long others must see the lease unchanged before they may take it; whole seconds, as the Lease has it.
  public var duration: Duration = .seconds(15)
  /// For how long after the start of the last successful renewal the leader leads. The five seconds up to `duration` are for clocks that
  /// run at different speeds and for writes that are under way.
  public var renewDeadline: Duration = .seconds(10)
  /// Between two attempts: five fit into `renewDeadline`.
  public var retry: Duration = .seconds(2)
  /// For one request: one that hangs leaves time for another before `renewDeadline`.
  public var request: Duration = .seconds(4)

  public init() {}
}
