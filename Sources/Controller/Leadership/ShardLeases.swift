internal import JSON
internal import KubeClient
internal import Logging
internal import Primitives
import Roll
internal import Synchronization

/// Who leads the other shards, as their Leases say. Empty without other shards.
final class ShardLeases: Sendable {
  /// What is known of a shard's Lease.
  private struct Seen {
    /// `nil` if nobody holds it.
    var holder: String?
    /// The text of the last renewal. Compared only, as the holder's clock may be wrong.
    var renewal: String
    /// When this renewal was first seen.
    var since: Moment
  }

  private let shard: NodeShard
  private let client: KubeClient
  private let namespace: String
  private let time: any TimeSource
  private let logger: Logger
  private let seen = Mutex<[Int: Seen]>([:])

  init(shard: NodeShard, client: KubeClient, namespace: String, time: any TimeSource, logger: Logger) {
    self.shard = shard
    self.client = client
    self.namespace = namespace
    self.time = time
    self.logger = logger
  }

  /// How often each Lease is read. Every replica reads those of every other shard, so that many shards are read less often.
  private var pause: Duration { .seconds(max(5, shard.count)) }

  /// The holder of a shard's Lease; `nil` if it has none, or has not renewed it for the time after which another replica may take it.
  func holder(ofShard index: Int) -> String? {
    let limit = LeaseTiming().duration + pause
    let now = time.now
    return seen.withLock { seen in seen[index].flatMap { now - $0.since < limit ? $0.holder : nil } }
  }

  /// Runs until the task is cancelled.
  func run() async {
    let others = (0..<shard.count).filter { $0 != shard.index }
    guard !others.isEmpty else { return }
    var problem: String?
    while !Task.isCancelled {
      var failure: String?
      for index in others {
        do throws(KubeError) {
          try await read(index)
        } catch {
          failure = "\(error)"
        }
      }
      if let failure, failure != problem, !Task.isCancelled {
        logger.warning("cannot read the Lease of another shard; its replica may not be found", metadata: ["error": "\(failure)"])
      }
      problem = failure
      await time.pause(for: pause)
    }
  }

  private func read(_ index: Int) async throws(KubeError) {
    let name = ObjectNames.name(ObjectNames.lease, of: index)
    let new: (holder: String?, renewal: String)
    do throws(KubeError) {
      let specification = try await client.get(.leases, name: name, namespace: namespace)["spec"]
      new = (specification?["holderIdentity"]?.string, specification?["renewTime"]?.string ?? "")
    } catch {
      guard error.status?.isNotFound == true else { throw error }
      new = (nil, "")
    }
    let now = time.now
    seen.withLock { seen in
      if let old = seen[index], old.holder == new.holder, old.renewal == new.renewal { return }
      seen[index] = Seen(holder: new.holder, renewal: new.renewal, since: now)
    }
  }
}
