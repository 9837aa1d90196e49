package import HTTPTransport
package import Logging
internal import Primitives
internal import Synchronization

/// Sends scrapes to one receiver: by Prometheus remote write or to an Open-Falcon agent.
///
/// `push` never waits for the receiver. Samples that cannot be sent yet are queued in memory, then on disk, both up to a limit; beyond it
/// the oldest are dropped and counted (R66). All samples of an owner arrive in order.
///
/// Queued samples on disk survive a restart. Memory is saved to disk after two consecutive failures and at the end of `finish`; samples
/// that a crash loses from memory are not counted.
package final class Pusher: Sendable {
  private let settings: PushSettings
  private let shards: [PushShard]
  /// One shard for each spool of an earlier run with another number of shards. Their samples are older than all others.
  private let backlog: [PushShard]
  private let clock: any Clock<Duration>
  /// Held as long as the spool is in use; `nil` without a spool.
  private let lock: SpoolLock?

  /// - Parameter headers: headers for every request, such as credentials, which may rotate. While it fails, requests wait.
  /// - Throws: if the spool's folder cannot be used.
  package init(
    settings: PushSettings, transport: HTTPTransport, headers: @escaping PushHeaders = { .success([]) },
    clock: any Clock<Duration> = ContinuousClock(), logger: Logger
  ) throws(SpoolError) {
    self.settings = settings
    self.clock = clock
    let delivery = Delivery(
      transport: transport, settings: settings, headers: headers, negotiation: WriteNegotiation(settings, logger: logger))
    let reachability = Reachability(logger: logger, url: settings.url)
    func shard(spool: Spool?) -> PushShard {
      PushShard(settings: settings, spool: spool, delivery: delivery, reachability: reachability, clock: clock)
    }
    let count = max(settings.shards, 1)
    guard let folder = settings.spoolFolder else {
      shards = (0..<count).map { _ in shard(spool: nil) }
      backlog = []
      lock = nil
      return
    }
    let spools = try SpoolFolder(folder, shards: count, limit: settings.spoolLimit)
    shards = spools.current.map { shard(spool: $0) }
    backlog = spools.older.map { shard(spool: $0) }
    lock = spools.lock
  }

  /// Queues a scrape. Never waits.
  package func push(_ scrape: PushedScrape) {
    shard(of: scrape.owner).push(scrape)
  }

  /// Ends the owner's series by stale markers, if the receiver supports them.
  package func end(_ owner: String, at unixMilliseconds: Int64) {
    shard(of: owner).end(owner, at: unixMilliseconds)
  }

  /// Forgets all owners without ending their series. Called when another replica takes over pushing.
  package func forgetOwners() {
    for shard in shards { shard.forgetOwners() }
  }

  /// Sends until the task is cancelled.
  package func run() async {
    await withDiscardingTaskGroup { group in
      group.addTask { await self.flushPeriodically() }
      group.addTask {
        for shard in self.backlog { await shard.deliver(untilEmpty: true) }
        await withDiscardingTaskGroup { group in
          for shard in self.shards { group.addTask { await shard.deliver(untilEmpty: false) } }
        }
      }
    }
  }

  /// Sends queued samples until the receiver fails or the limit expires, then saves the rest to disk. Called after `run` has ended and the
  /// last `push`.
  package func finish(within limit: Duration) async {
    // The backlog must be sent first, and is on disk already.
    let isSending = backlog.allSatisfy { $0.statistics.waiting == 0 }
    await withTaskGroup(of: Bool.self) { group in
      for shard in shards {
        group.addTask {
          await shard.finish(sending: isSending)
          return true
        }
      }
      group.addTask { [clock] in
        // Cancelled when all shards have finished.
        try? await clock.sleep(for: limit)
        return false
      }
      var left = shards.count
      while left > 0, await group.next() == true { left -= 1 }
      group.cancelAll()
    }
  }

  /// Whether the receiver takes descriptions of families.
  package var takesFamilies: Bool { settings.form == .remoteWrite }

  package var statistics: PushStatistics {
    (shards + backlog).reduce(PushStatistics()) { $0 + $1.statistics }
  }

  private func shard(of owner: String) -> PushShard {
    // FNV-1a is the same in every process, so that an owner's samples stay in one queue across restarts.
    var hash = fnv1a(owner.utf8)
    hash ^= hash >> 32
    return shards[Int(hash % UInt64(shards.count))]
  }

  private func flushPeriodically() async {
    while !Task.isCancelled {
      // Cancellation ends the sleep, and the loop.
      try? await clock.sleep(for: settings.longestWait)
      for shard in shards { shard.flush() }
    }
  }
}
