package import Exposition
package import HTTPTransport
package import Logging
internal import Synchronization

/// Sends pages of metrics to one receiver: by Prometheus remote write or to an Open-Falcon agent.
///
/// Whoever has a page hands it over and goes on at once; nothing here waits for the receiver but `run`. What cannot be sent yet waits in
/// memory, then on disk, both up to a limit; past it the oldest goes, and is counted (R66). All samples of an owner arrive in order.
///
/// A restart goes on with what is on disk. What was in memory is saved there when `run` ends; what a crash takes is counted by nobody.
package final class Pusher: Sendable {
  private let settings: PushSettings
  private let shards: [PushShard]
  /// What was left on disk when there was another number of shards; it is older than anything else.
  private let backlog: [PushShard]
  private let clock: any Clock<Duration>

  /// - Throws: where the spool's folder cannot be used.
  package init(
    settings: PushSettings, transport: HTTPTransport, clock: any Clock<Duration> = ContinuousClock(), logger: Logger
  ) throws(SpoolError) {
    self.settings = settings
    self.clock = clock
    let delivery = Delivery(transport: transport, settings: settings)
    let reachability = Reachability(logger: logger, url: settings.url)
    func shard(spool: Spool?) -> PushShard {
      PushShard(settings: settings, spool: spool, delivery: delivery, reachability: reachability, clock: clock)
    }
    let count = max(settings.shards, 1)
    guard let folder = settings.spoolFolder else {
      shards = (0..<count).map { _ in shard(spool: nil) }
      backlog = []
      return
    }
    let spools = try SpoolFolder(folder, shards: count, limit: settings.spoolLimit)
    shards = spools.current.map { shard(spool: $0) }
    backlog = spools.older.map { shard(spool: $0) }
  }

  /// Takes a page for sending. Never waits.
  /// - Throws: where the page is not the text format, or too large; nothing of it is sent then.
  package func push(_ page: PushedPage, limits: ExpositionLimits = .standard) throws(ExpositionError) {
    try shard(of: page.owner).push(page, limits: limits)
  }

  /// The owner is gone: its series are ended by stale markers, where the receiver knows those.
  package func end(_ owner: String, at unixMilliseconds: Int64) {
    shard(of: owner).end(owner, at: unixMilliseconds)
  }

  /// Sends until the task is cancelled, and then saves what is left to disk.
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
    for shard in shards { shard.save() }
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
