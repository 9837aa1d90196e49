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
  private let time: LocalTime
  private let logger: Logger
  private let book: Mutex<EventBook>
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
    self.time = LocalTime(clock)
    self.logger = logger
    book = Mutex(EventBook(policy: policy))
  }

  /// Takes the event on; returns at once, whatever becomes of it.
  /// - Parameter limit: it is dropped, and counted as overflowed, if so many wait already; `nil` for as many as the queue takes. A lower
  ///   limit for what matters less leaves room for what matters more.
  public func record(_ event: ClusterEvent, unlessWaiting limit: Int? = nil) {
    let time = Timestamp.now
    book.withLock { $0.record(event, unlessWaiting: limit, at: self.time.now(), time: time) }
  }

  public var statistics: EventStatistics { book.withLock { $0.statistics } }

  /// Writes until the task is cancelled. What waits then is not written.
  public func run() async {
    var backoff = Backoff(policy.backoff, reset: policy.backoffReset)
    var random = SystemRandomNumberGenerator()
    while !Task.isCancelled {
      guard let write = book.withLock({ $0.next(at: time.now()) }) else {
        // Cancellation ends the sleep, and the loop.
        try? await time.sleep(policy.look)
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
