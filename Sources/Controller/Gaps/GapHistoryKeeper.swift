internal import JSON
internal import KubeClient
internal import Logging
internal import Primitives
internal import Roll
internal import Synchronization

/// Keeps the last ended gaps, in memory and in a ConfigMap, from which the next leader continues. On a replica that does not lead it is empty.
final class GapHistoryKeeper: Sendable {
  /// The least time between two writes. What ended since the last one is lost if the process is killed.
  static let pause: Duration = .seconds(15)
  private static let firstBackoff: Duration = .seconds(1)

  private let client: KubeClient
  private let namespace: String
  private let archive: GapHistoryArchive
  private let time: any TimeSource
  private let logger: Logger
  /// Checked before every write.
  private let isLeading: @Sendable () -> Bool
  private let workload: @Sendable (ContainerReference) -> Workload?
  private let state = Mutex(GapHistory())
  /// What is still to write after the leader's work has ended.
  private let unwritten = Mutex<[EndedGap]?>(nil)

  init(
    client: KubeClient, namespace: String, shard: NodeShard = .all, time: any TimeSource, logger: Logger,
    isLeading: @escaping @Sendable () -> Bool,
    workload: @escaping @Sendable (ContainerReference) -> Workload?
  ) {
    self.client = client
    self.namespace = namespace
    archive = GapHistoryArchive(name: ObjectNames.name(ObjectNames.gapHistory, of: shard.index))
    self.time = time
    self.logger = logger
    self.isLeading = isLeading
    self.workload = workload
  }

  /// Oldest first.
  var ended: [EndedGap] { state.withLock { $0.ended } }

  func add(_ transitions: [GapTransition]) {
    let reading = time.reading()
    // Workloads are looked up outside of the lock.
    var added = GapHistory()
    added.add(transitions, at: reading, workload: workload)
    guard !added.ended.isEmpty else { return }
    state.withLock { $0.append(contentsOf: added) }
  }

  /// Empties it. Called once `run` has returned, since what has ended is the leader's to tell.
  func forget() { state.withLock { $0 = GapHistory() } }

  /// Runs until the task is cancelled. Nothing is written before the archive was read.
  func run() async {
    unwritten.withLock { $0 = nil }
    guard let earlier = await read() else { return }
    state.withLock { $0.restore(earlier) }
    var written = 0
    var lastAttempt: Moment?
    var problem: String?
    while !Task.isCancelled {
      await time.pause(for: .seconds(1))
      let history = state.withLock { $0 }
      guard !Task.isCancelled, isLeading(), history.revision != written, lastAttempt.map({ time.now - $0 >= Self.pause }) ?? true
      else { continue }
      lastAttempt = time.now
      do {
        try await write(history.ended)
        written = history.revision
        problem = nil
      } catch {
        guard !Task.isCancelled else { break }
        note("\(error)", &problem)
      }
    }
    // A request of this task would be cancelled at once.
    let history = state.withLock { $0 }
    if history.revision != written { unwritten.withLock { $0 = history.ended } }
  }

  /// Writes what changed since the last write. Called once `run` has returned, outside of its cancelled task, if this replica still leads.
  func finish() async {
    guard let gaps = unwritten.withLock({ $0.take() }) else { return }
    do {
      try await write(gaps)
    } catch {
      logger.warning("cannot save the ended gaps before the end", metadata: ["configMap": "\(place)", "error": "\(error)"])
    }
  }

  private var place: String { "\(namespace)/\(archive.name)" }

  private func write(_ gaps: [EndedGap]) async throws(KubeError) {
    let object = archive.configMap(of: gaps, namespace: namespace)
    try await client.apply(object, fieldManager: ObjectNames.fieldManager, force: true)
  }

  /// Retries until it succeeds. An unreadable archive counts as empty. `nil` if the task was cancelled.
  private func read() async -> [EndedGap]? {
    var problem: String?
    while !Task.isCancelled {
      do {
        let object = try await client.get(.configMaps, name: archive.name, namespace: namespace)
        return try archive.gaps(of: object)
      } catch let error as KubeError where error.status?.isNotFound == true {
        return []
      } catch let error as GapArchiveError {
        logger.warning("cannot read the ended gaps of an earlier leader; the history begins now", metadata: ["error": "\(error)"])
        return []
      } catch {
        guard !Task.isCancelled else { return nil }
        note("\(error)", &problem)
        await time.pause(for: Self.firstBackoff)
      }
    }
    return nil
  }

  /// Logs a problem once.
  private func note(_ new: String, _ problem: inout String?) {
    guard new != problem else { return }
    problem = new
    logger.warning("cannot keep the ended gaps; retrying", metadata: ["configMap": "\(place)", "error": "\(new)"])
  }
}
