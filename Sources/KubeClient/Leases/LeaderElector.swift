internal import JSON
public import Logging
internal import Primitives
internal import Synchronization

/// Elects one of several processes as leader by a Lease (`coordination.k8s.io/v1`). The leader renews it, and the others observe it.
///
///     let elector = LeaderElector(
///       client: client, lease: ObjectKey(namespace: "monitoring", name: "writer"), identity: podName, logger: logger)
///     try await elector.run { try await writeWhatIsDue(onlyIf: { elector.isLeader }) }
public final class LeaderElector: Sendable {
  /// Our name in the election.
  public let identity: String
  private let client: KubeClient
  private let lease: ObjectKey
  private let timing: LeaseTiming
  private let time: ElapsedTime
  private let logger: Logger
  private let election: Mutex<LeaseElection>
  /// When the last completed round began; `nil` before the first one.
  private let lastRound = Mutex<Duration?>(nil)
  /// The HTTP status of the last failure, 0 without a response; `nil` if the last request succeeded.
  private let problem = Mutex<Int?>(nil)

  /// - Parameters:
  ///   - client: preferably a separate client, so that no other requests delay its own.
  ///   - lease: created if it does not exist.
  ///   - identity: unique among the candidates, e.g. the name of the Pod.
  ///   - isIdentityExclusive: whether an earlier process with our identity has ended for certain once we run, as in a Pod whose container
  ///     restarts. A lease left by it is then acquired at once, and otherwise once it has expired.
  ///   - clock: must advance during suspend, as `ContinuousClock` does (`CLOCK_BOOTTIME` on Linux).
  public init(
    client: KubeClient, lease: ObjectKey, identity: String, isIdentityExclusive: Bool = false, timing: LeaseTiming = LeaseTiming(),
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
    election = Mutex(LeaseElection(lease: lease, identity: identity, isIdentityExclusive: isIdentityExclusive, timing: timing))
  }

  /// Whether we are the leader now. Check before every write: it turns false as soon as the renewal deadline passes, even while the process
  /// or the machine is suspended.
  public var isLeader: Bool { election.withLock { $0.isLeader(at: time.now()) } }

  /// The last observed holder of the lease; `nil` if nobody holds it.
  public var holder: String? { election.withLock { $0.holder } }

  /// Whether the election has been followed without a pause in which another candidate could have acquired the lease: false before the
  /// first request, and after the process was stopped until the next request has ended. While the API server cannot be reached it stays
  /// true.
  public var isUpToDate: Bool {
    isLeader || lastRound.withLock { $0.map { time.now() - $0 < timing.duration } ?? false }
  }

  /// Takes part in the election until the task is cancelled or the work finishes.
  ///
  /// Runs `work` while we are the leader, and cancels it when leadership is lost. Once it has ended, the election continues, and `work`
  /// runs again at the next election. If `work` returns before that, the lease is released and this method returns. On cancellation this
  /// method returns after `work` has ended, without releasing the lease, since a cancelled task cannot send requests. Call `release()`
  /// afterwards.
  /// - Throws: The error of `work` unless it was cancelled; the lease is then released, too.
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

  /// Releases the lease if it is ours, so that another candidate can acquire it at once. `work` must have ended. Makes a few attempts and
  /// logs if they fail; the lease then expires.
  public func release() async {
    var request = election.withLock { $0.beginRelease(wallClock: .now) }
    // Three pairs of a read and a write.
    for _ in 0..<6 {
      guard let next = request else { return }
      let response = await perform(next)
      request = election.withLock { $0.handleRelease(response, at: time.now(), wallClock: .now) }
      if case .written = response { logger.info("lease released") }
    }
    if request != nil { logger.warning("lease not released, it will expire") }
  }
}

extension LeaderElector {
  private enum Ending {
    /// `work` returned.
    case done
    case lost
  }

  /// Repeats election rounds until we are the leader.
  /// - Returns: False on cancellation.
  private func campaign() async -> Bool {
    while !Task.isCancelled {
      await round()
      if isLeader { return true }
      // Up to 20 % jitter, so that candidates do not send their requests together.
      try? await time.sleep(timing.retry * Double.random(in: 1...1.2))
    }
    return false
  }

  /// Runs the work, and cancels it when leadership is lost.
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
        // Leadership ends only after the work has ended. Errors after the cancellation are only logged.
        while let result = await group.nextResult() {
          if case .failure(let error) = result { logger.debug("work ended", metadata: ["error": "\(error)"]) }
        }
        return ending
      }
    }
  }

  /// Repeats election rounds until another candidate holds the lease.
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

  /// A separate task, since a request may take longer than the deadline.
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
    let began = time.now()
    var request: LeaseElection.Request? = election.withLock { $0.begin(at: time.now(), wallClock: .now) }
    while let next = request {
      let response = await perform(next)
      request = election.withLock { $0.handle(response, at: time.now(), wallClock: .now) }
    }
    lastRound.withLock { $0 = began }
  }

  private func perform(_ request: LeaseElection.Request) async -> LeaseElection.Response {
    let begunAt = time.now()
    let limits = RequestLimits(deadline: timing.request, maximumBodyBytes: RequestLimits.object.maximumBodyBytes)
    do {
      let response: LeaseElection.Response
      switch request {
      case .read: response = .found(try await client.object(.get(.leases, lease), limits: limits))
      case .create(let object):
        let request = APIRequest.create(.leases, namespace: lease.namespace, object)
        response = .written(try await client.object(request, limits: limits), begunAt: begunAt)
      case .replace(let object):
        response = .written(try await client.object(.replace(.leases, lease, object), limits: limits), begunAt: begunAt)
      }
      note(nil)
      return response
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

  /// Logs a problem when it starts or changes, and when it ends.
  private func note(_ error: KubeError?) {
    let new = error.map { $0.status?.code ?? 0 }
    let old = problem.withLock { problem in
      defer { problem = new }
      return problem
    }
    guard old != new else { return }
    if let error {
      logger.warning("lease request failed, retrying", metadata: ["error": "\(error)"])
    } else {
      logger.info("lease requests work again")
    }
  }
}

/// The timing of a lease (R30).
public struct LeaseTiming: Hashable, Sendable {
  /// Other candidates may acquire the lease once it has been unchanged for this time. In whole seconds, as in the Lease.
  public var duration: Duration = .seconds(15)
  /// The leader leads for this time after the start of its last successful renewal. The remaining five seconds of `duration` allow for
  /// different clock rates and writes in flight.
  public var renewDeadline: Duration = .seconds(10)
  /// The interval of attempts; five fit into `renewDeadline`.
  public var retry: Duration = .seconds(2)
  /// The timeout of one request; leaves time for another before `renewDeadline`.
  public var request: Duration = .seconds(4)

  public init() {}
}
