internal import AsyncPrimitives
internal import Glibc
internal import Primitives
internal import Synchronization

/// Sends the samples of its owners in order, one request at a time.
final class PushShard: Sendable {
  private struct State {
    var encoder: any RequestEncoder
    var queue: PushQueue
    var statistics = PushStatistics()
  }

  private let settings: PushSettings
  private let delivery: Delivery
  private let reachability: Reachability
  private let clock: any Clock<Duration>
  private let state: Mutex<State>
  private let wakeup = Wakeup()

  init(settings: PushSettings, spool: Spool?, delivery: Delivery, reachability: Reachability, clock: any Clock<Duration>) {
    self.settings = settings
    self.delivery = delivery
    self.reachability = reachability
    self.clock = clock
    let encoder: any RequestEncoder =
      switch (settings.form, settings.version) {
      case (.remoteWrite, .one): RemoteWriteEncoder<WriteRequest>(settings)
      case (.remoteWrite, .two): RemoteWriteEncoder<SymbolRequest>(settings)
      case (.openFalcon(let step, let tags), _): FalconEncoder(settings, step: step, tags: tags)
      }
    let queue = PushQueue(memoryLimit: settings.memoryLimit / max(settings.shards, 1), spool: spool)
    state = Mutex(State(encoder: encoder, queue: queue))
  }

  // MARK: Filling

  func push(_ scrape: PushedScrape) {
    append { state in
      state.statistics.newestGiven = max(state.statistics.newestGiven ?? .min, scrape.collectedAt)
      return state.encoder.add(scrape)
    }
    reachability.record(state.withLock { $0.encoder.unstorable })
  }

  func end(_ owner: String, at unixMilliseconds: Int64) {
    append { $0.encoder.end(owner, at: unixMilliseconds) }
  }

  func forgetOwners() {
    state.withLock { $0.encoder.forgetOwners() }
  }

  /// Queues the current request although it is not full.
  func flush() {
    append { $0.encoder.takeBlock().map { [$0] } ?? [] }
  }

  private func append(_ make: (inout State) -> [PushBlock]) {
    let hasNew = state.withLock { state in
      let blocks = make(&state)
      for block in blocks { state.queue.append(block) }
      return !blocks.isEmpty
    }
    if hasNew { wakeup.signal() }
  }

  // MARK: Sending

  /// Sends until the task is cancelled.
  /// - Parameter untilEmpty: whether to return when the queue is empty.
  func deliver(untilEmpty: Bool) async {
    var backoff = Backoff(settings.backoff)
    while !Task.isCancelled {
      guard let first = state.withLock({ $0.queue.first() }) else {
        if untilEmpty { return }
        guard await wakeup.wait() else { return }
        continue
      }
      let (result, bytes) = await delivery.send(first.block)
      // A cancelled request may have arrived; it stays queued and is sent again after a restart.
      guard !Task.isCancelled || result == .accepted else { return }
      let wait = record(result, bytes, of: first, &backoff)
      reachability.record(result)
      // Cancellation ends the sleep, and the loop.
      if let wait { try? await clock.sleep(for: wait) }
    }
  }

  /// Updates queue and statistics.
  /// - Returns: the wait before the next attempt, after a failure.
  private func record(_ result: DeliveryResult, _ bytes: Int, of first: PushQueue.First, _ backoff: inout Backoff) -> Duration? {
    let samples = UInt64(first.block.samples)
    func accepted(_ written: UInt64, problem: String?) {
      backoff.succeeded()
      state.withLock { state in
        state.queue.remove(first)
        state.statistics.sent += written
        state.statistics.refused += samples - written
        state.statistics.sentBytes += UInt64(bytes)
        state.statistics.newestSent = max(state.statistics.newestSent ?? .min, first.block.newest)
        state.statistics.lastSuccessUnixMilliseconds = unixMilliseconds()
        state.statistics.problem = problem
      }
    }
    switch result {
    case .accepted:
      accepted(samples, problem: nil)
      return nil
    case .partlyAccepted(let written, let reason):
      accepted(min(UInt64(written), samples), problem: reason)
      return nil
    case .rejected(let reason):
      backoff.succeeded()
      state.withLock { state in
        state.queue.remove(first)
        state.statistics.refused += samples
        state.statistics.problem = reason
      }
      return nil
    case .retry(let reason, let after):
      state.withLock { state in
        state.statistics.retries += 1
        state.statistics.problem = reason
        // One failure may be transient. After the second, a crash must not lose queued samples.
        if backoff.failures > 0 { state.queue.save() }
      }
      return max(backoff.failed(), after ?? .zero)
    }
  }

  /// Sends queued requests until none is left or one fails, then saves the rest to the spool, if there is one.
  func finish(sending: Bool) async {
    flush()
    var continues = sending
    while continues, !Task.isCancelled, let first = state.withLock({ $0.queue.first() }) {
      let (result, bytes) = await delivery.send(first.block)
      var backoff = Backoff(settings.backoff)
      if case .retry = result { continues = false }
      _ = record(result, bytes, of: first, &backoff)
    }
    state.withLock { $0.queue.save() }
  }

  var statistics: PushStatistics {
    state.withLock { state in
      var statistics = state.statistics
      statistics.shards = 1
      statistics.refused += state.encoder.unstorable.count
      statistics.dropped = state.queue.dropped
      statistics.memoryBytes = state.queue.bytesInMemory
      statistics.spoolBytes = state.queue.bytesOnDisk
      statistics.waiting = state.queue.samples + state.encoder.samples
      statistics.problem = statistics.problem ?? state.queue.problem?.description
      return statistics
    }
  }
}

/// Encodes scrapes as requests of one protocol.
protocol RequestEncoder: Sendable {
  /// Samples in the current request.
  var samples: Int { get }
  /// Samples that were not encoded because the receiver could not store them.
  var unstorable: UnstorableSamples { get }
  /// Adds a scrape.
  /// - Returns: the requests that became full, in order.
  mutating func add(_ scrape: PushedScrape) -> [PushBlock]
  /// Ends all series of the owner.
  mutating func end(_ owner: String, at unixMilliseconds: Int64) -> [PushBlock]
  /// Forgets all owners without ending their series: another replica pushes them from now on.
  mutating func forgetOwners()
  /// Removes and returns the current request; `nil` if it is empty.
  mutating func takeBlock() -> PushBlock?
}

/// The wall clock in milliseconds since 1970.
func unixMilliseconds() -> Int64 {
  var time = timespec()
  clock_gettime(CLOCK_REALTIME, &time)
  return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
}
