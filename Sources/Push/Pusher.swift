package import HTTPTransport
package import Logging
internal import Synchronization

/// Sends pages of metrics to one receiver: by Prometheus remote write or to an Open-Falcon agent.
///
/// Whoever has a page hands it over and goes on at once; nothing here waits for the receiver but `run`. What cannot be sent yet waits in
/// memory, then on disk, both up to a limit; past it the oldest goes, and is counted (R66). All samples of an owner arrive in order.
///
/// A restart goes on with what is on disk. There goes what is in memory when the receiver has failed twice in succession, and what `finish` does not
/// get sent; what a crash takes of the rest is counted by nobody.
package final class Pusher: Sendable {
  private let settings: PushSettings
  private let shards: [PushShard]
  /// What was left on disk when there was another number of shards; it is older than anything else.
  private let backlog: [PushShard]
  private let clock: any Clock<Duration>
  /// `nil` without a spool.
  private let lock: SpoolLock?

  /// - Parameter headers: to be sent with every request, such as credentials, which may rotate; as long as they cannot be had, requests wait.
  /// - Throws: where the spool's folder cannot be used.
  package init(
    settings: PushSettings, transport: HTTPTransport, headers: @escaping PushHeaders = { .success([]) },
    clock: any Clock<Duration> = ContinuousClock(), logger: Logger
  ) throws(SpoolError) {
    self.settings = settings
    self.clock = clock
    let delivery = Delivery(transport: transport, settings: settings, headers: headers)
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

  /// Takes a page for sending. Waits for nobody.
  package func push(_ page: PushedPage) {
    shard(of: page.owner).push(page)
  }

  /// The owner is gone: its series are ended by stale markers, where the receiver knows those.
  package func end(_ owner: String, at unixMilliseconds: Int64) {
    shard(of: owner).end(owner, at: unixMilliseconds)
  }

  /// Somebody else pushes from now on: owners are not known any more, and their series not ended.
  package func forgetOwners() {
    for shard in shards { shard.forgetOwners() }
  }

  /// Sends until the task is cancelled.
  package func run() async {
    await withDiscardingTaskGroup { group in
      group.addTask { await self.cutRequests() }
      group.addTask {
        for shard in self.backlog { await shard.deliver(untilEmpty: true) }
        await withDiscardingTaskGroup { group in
          for shard in self.shards { group.addTask { await shard.deliver(untilEmpty: false) } }
        }
      }
    }
  }

  /// To be called when `run` has ended and nobody pushes any more: sends what waits as long as the receiver takes it, for so long at most,
  /// and saves what is left to disk.
  package func finish(within limit: Duration) async {
    // What an earlier process left is older, and cannot be overtaken; all of it is on disk already.
    let isSending = backlog.allSatisfy { $0.statistics.waiting == 0 }
    await withTaskGroup(of: Bool.self) { group in
      for shard in shards {
        group.addTask {
          await shard.finish(sending: isSending)
          return true
        }
      }
      group.addTask { [clock] in
        // Cancellation ends the sleep when all is sent.
        try? await clock.sleep(for: limit)
        return false
      }
      var left = shards.count
      while left > 0, await group.next() == true { left -= 1 }
      group.cancelAll()
    }
  }

  /// What became of everything so far.
  package var statistics: PushStatistics {
    (shards + backlog).reduce(PushStatistics()) { $0 + $1.statistics }
  }

  private func shard(of owner: String) -> PushShard {
    // FNV-1a: the same in every process, so that an owner's samples stay in one queue over a restart.
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in owner.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    hash ^= hash >> 32
    return shards[Int(hash % UInt64(shards.count))]
  }

  private func cutRequests() async {
    while !Task.isCancelled {
      // Cancellation ends the sleep, and the loop.
      try? await clock.sleep(for: settings.longestWait)
      for shard in shards { shard.cut() }
    }
  }
}
