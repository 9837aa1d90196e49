internal import Synchronization

/// One request at a time: the samples of the owners that belong to it, in order.
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
  private let wakeup = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

  init(settings: PushSettings, spool: Spool?, delivery: Delivery, reachability: Reachability, clock: any Clock<Duration>) {
    self.settings = settings
    self.delivery = delivery
    self.reachability = reachability
    self.clock = clock
    let encoder: any RequestEncoder =
      switch settings.form {
      case .remoteWrite: RemoteWriteEncoder(settings)
      case .openFalcon(let step): FalconEncoder(settings, step: step)
      }
    let queue = PushQueue(memoryLimit: settings.memoryLimit / max(settings.shards, 1), spool: spool)
    state = Mutex(State(encoder: encoder, queue: queue))
  }

  // MARK: Filling

  func push(_ page: PushedPage) {
    append { state in
      state.statistics.newestGiven = max(state.statistics.newestGiven ?? .min, page.collectedAt)
      return state.encoder.add(page)
    }
  }

  func end(_ owner: String, at unixMilliseconds: Int64) {
    append { $0.encoder.end(owner, at: unixMilliseconds) }
  }

  func forgetOwners() {
    state.withLock { $0.encoder.forgetOwners() }
  }

  /// Lets go of a request that is not full.
  func cut() {
    append { $0.encoder.takeBlock().map { [$0] } ?? [] }
  }

  private func append(_ make: (inout State) -> [PushBlock]) {
    let hasNew = state.withLock { state in
      let blocks = make(&state)
      for block in blocks { state.queue.append(block) }
      return !blocks.isEmpty
    }
    if hasNew { wakeup.continuation.yield() }
  }

  // MARK: Sending

  /// Sends until the task is cancelled.
  /// - Parameter untilEmpty: whether to return also when nothing waits any more.
  func deliver(untilEmpty: Bool) async {
    var failures = 0
    var wakeups = wakeup.stream.makeAsyncIterator()
    while !Task.isCancelled {
      guard let first = state.withLock({ $0.queue.first() }) else {
        if untilEmpty { return }
        guard await wakeups.next() != nil else { return }
        continue
      }
      let verdict = await delivery.send(first.block)
      // A request that was cut short may have arrived: it is sent again at the next start.
      guard !Task.isCancelled || verdict == .taken else { return }
      let wait = note(verdict, of: first, failures: &failures)
      reachability.note(verdict)
      // Cancellation ends the sleep, and the loop.
      if let wait { try? await clock.sleep(for: wait) }
    }
  }

  /// Enters what came of a request.
  /// - Returns: how long to wait before the next attempt, after a failure.
  private func note(_ verdict: Verdict, of first: PushQueue.First, failures: inout Int) -> Duration? {
    let samples = UInt64(first.block.samples)
    switch verdict {
    case .taken:
      failures = 0
      state.withLock { state in
        state.queue.takeOut(first)
        state.statistics.sent += samples
        state.statistics.sentBytes += UInt64(first.block.bytes.count)
        state.statistics.newestSent = max(state.statistics.newestSent ?? .min, first.block.newest)
        state.statistics.lastSuccessUnixMilliseconds = unixMilliseconds()
        state.statistics.problem = nil
      }
      return nil
    case .refused(let reason):
      failures = 0
      state.withLock { state in
        state.queue.takeOut(first)
        state.statistics.refused += samples
        state.statistics.problem = reason
      }
      return nil
    case .again(let reason, let after):
      state.withLock { state in
        state.statistics.retries += 1
        state.statistics.problem = reason
        // One failure may be an accident. After two a crash is to cost nothing of what waits.
        if failures > 0 { state.queue.save() }
      }
      // 2^16 times the first wait is over any last one; more would only overflow.
      let whole = min(settings.backoff.upperBound, settings.backoff.lowerBound * (1 << min(failures, 16)))
      failures += 1
      return max(whole * Double.random(in: 0.5...1), after ?? .zero)
    }
  }

  /// Sends what waits, until nothing does or a request fails; then puts on disk what is left, if there is one.
  func finish(sending: Bool) async {
    cut()
    var isTaken = sending
    while isTaken, !Task.isCancelled, let first = state.withLock({ $0.queue.first() }) {
      let verdict = await delivery.send(first.block)
      var failures = 0
      if case .again = verdict { isTaken = false }
      _ = note(verdict, of: first, failures: &failures)
    }
    state.withLock { $0.queue.save() }
  }

  var statistics: PushStatistics {
    state.withLock { state in
      var statistics = state.statistics
      statistics.shards = 1
      statistics.dropped = state.queue.dropped
      statistics.memoryBytes = state.queue.bytesInMemory
      statistics.spoolBytes = state.queue.bytesOnDisk
      statistics.waiting = state.queue.samples + state.encoder.samples
      statistics.problem = statistics.problem ?? state.queue.problem?.description
      return statistics
    }
  }
}
