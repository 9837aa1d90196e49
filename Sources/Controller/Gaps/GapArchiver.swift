import JSON
import KubeClient
import Logging
import Primitives
internal import Roll
internal import Synchronization

/// Saves the open gaps, and the ages that may become gaps, in a ConfigMap, and at start restores those that the previous leader saved (R64,
/// R72).
final class GapArchiver: StatusSource {
  let client: KubeClient
  let namespace: String
  /// The nodes whose ages are saved.
  let shard: NodeShard
  let ledger: LedgerStore
  let policy: ArchivePolicy
  let time: any TimeSource
  let logger: Logger
  /// Checked before every write.
  let isLeading: @Sendable () -> Bool
  /// The groups of gaps that have one alert.
  let groups: @Sendable () -> AlertGroups
  /// Called with the groups of an earlier leader and a function that restores its gaps: their alerts are repeated at once, and nodes whose
  /// Event was written are not reported again.
  let takeOver: @Sendable (_ groups: AlertGroups, _ restore: () -> Ledger) -> Void

  private let archive: GapArchive
  private let latest = Mutex(GapArchiveStatus())
  private let isGone = Atomic(false)
  /// What is still to write after the leader's work has ended.
  private let unwritten = Mutex<Content?>(nil)

  private struct Content: Sendable {
    var ages: [ArchivedAge]
    var total: Int
    var groups: AlertGroups
    var fingerprint: Int
  }

  private static let firstBackoff: Duration = .seconds(1)

  init(
    client: KubeClient, namespace: String, shard: NodeShard = .all, ledger: LedgerStore, policy: ArchivePolicy, time: any TimeSource,
    logger: Logger,
    isLeading: @escaping @Sendable () -> Bool, groups: @escaping @Sendable () -> AlertGroups,
    takeOver: @escaping @Sendable (_ groups: AlertGroups, _ restore: () -> Ledger) -> Void
  ) {
    self.client = client
    self.namespace = namespace
    self.shard = shard
    archive = GapArchive(name: ObjectNames.name(ObjectNames.gaps, of: shard.index))
    self.ledger = ledger
    self.policy = policy
    self.time = time
    self.logger = logger
    self.isLeading = isLeading
    self.groups = groups
    self.takeOver = takeOver
  }

  /// The name of the ConfigMap.
  var name: String { archive.name }

  var status: GapArchiveStatus { latest.withLock { $0 } }

  /// Writes the archive again although its content did not change, unless it is empty. Called when the ConfigMap does not exist.
  func rewrite() {
    isGone.store(true, ordering: .relaxed)
  }

  /// Runs until the task is cancelled. Nothing is written before the archive was read.
  func run() async {
    unwritten.withLock { $0 = nil }
    // What the archive holds is known to the leader only.
    defer {
      latest.withLock { status in
        status.kept = 0
        status.cut = 0
      }
    }
    guard let (restored, restoredGroups) = await read() else { return }
    takeOver(restoredGroups) {
      let restored = ledger.restore(restored, at: time.reading())
      ledger.settleRestored(at: time.now)
      return restored
    }
    if !restored.isEmpty {
      logger.notice("restored open gaps", metadata: ["gaps": "\(restored.count { $0.isOpen })", "containers": "\(restored.count)"])
    }

    latest.withLock { $0.kept = restored.count }
    var schedule = GapArchiveSchedule(written: restored.isEmpty ? 0 : nil)
    var problem: String?
    while !Task.isCancelled {
      await time.pause(for: .seconds(1))
      if isGone.exchange(false, ordering: .relaxed) { schedule.invalidate() }
      guard !Task.isCancelled, isLeading(), schedule.isOpen(at: time.now) else { continue }
      let fingerprint = fingerprint(of: ledger.snapshot(), groups(), at: time.now)
      guard schedule.isDue(fingerprint, at: time.reading()) else { continue }
      let content = content()
      do {
        try await write(content)
        schedule.attempted(content.fingerprint, succeeded: true, at: time.reading())
        problem = nil
      } catch {
        guard !Task.isCancelled else { break }
        schedule.attempted(content.fingerprint, succeeded: false, at: time.reading())
        latest.withLock { $0.failures += 1 }
        note("\(error)", &problem)
      }
    }
    // The ledger is emptied next. A request of this task would be cancelled at once.
    let content = content()
    if schedule.hasWritten(content.fingerprint, at: time.reading()) { return }
    unwritten.withLock { $0 = content }
  }

  /// Writes what changed since the last write. Called once `run` has returned, outside of its cancelled task, if this replica still leads.
  func finish() async {
    guard let content = unwritten.withLock({ $0.take() }) else { return }
    do {
      try await write(content)
    } catch {
      logger.warning(
        "cannot archive the open gaps before the end",
        metadata: ["configMap": "\(namespace)/\(archive.name)", "error": "\(error)"])
    }
  }

  private func content() -> Content {
    let snapshot = ledger.snapshot()
    let reading = time.reading()
    let (ages, total) = snapshot.archivedAges(at: reading, policy: policy, atMost: archive.maximumGaps)
    let groups = ages.isEmpty ? AlertGroups() : groups()
    return Content(ages: ages, total: total, groups: groups, fingerprint: fingerprint(of: snapshot, groups, at: reading.moment))
  }

  /// 0 for an empty archive.
  private func fingerprint(of ledger: Ledger, _ groups: AlertGroups, at now: Moment) -> Int {
    let ages = ledger.archiveFingerprint(at: now, policy: policy)
    return ages == 0 || groups.isEmpty ? ages : ages ^ groups.hashValue
  }

  private func write(_ content: Content) async throws(KubeError) {
    let (object, kept) = archive.configMap(of: content.ages, total: content.total, groups: content.groups, namespace: namespace)
    try await client.apply(object, fieldManager: ObjectNames.fieldManager, force: true)
    let wasCut = latest.withLock { status in
      defer { (status.kept, status.cut) = (kept, content.total - kept) }
      return status.cut > 0
    }
    if content.total > kept, !wasCut {
      logger.warning(
        "too many open gaps to archive; the youngest would lose their age at a restart",
        metadata: ["gaps": "\(content.total)", "leftOut": "\(content.total - kept)"])
    }
  }

  /// Reads the archive, retrying until it succeeds. `nil` if the task was cancelled.
  ///
  /// A shard that has none yet was part of the first one, until the cluster was divided. After a change of the number of shards an archive
  /// has ages of nodes that now belong to others; they are left out.
  private func read() async -> (ages: [ArchivedAge], groups: AlertGroups)? {
    for name in archive.name == ObjectNames.gaps ? [archive.name] : [archive.name, ObjectNames.gaps] {
      switch await read(name) {
      case .cancelled: return nil
      case .absent: continue
      case .content(let ages, let groups):
        let own = ages.filter { shard.contains($0.node) }
        return (own, own.isEmpty ? AlertGroups() : groups)
      }
    }
    return ([], AlertGroups())
  }

  private enum Stored {
    /// An unreadable archive has no ages.
    case content([ArchivedAge], AlertGroups)
    case absent, cancelled
  }

  private func read(_ name: String) async -> Stored {
    var problem: String?
    while !Task.isCancelled {
      do {
        let (ages, groups) = try archive.content(of: try await client.get(.configMaps, name: name, namespace: namespace))
        return .content(ages, groups)
      } catch let error as KubeError where error.status?.isNotFound == true {
        return .absent
      } catch let error as GapArchiveError {
        logger.warning("cannot restore the open gaps of an earlier leader; they start over", metadata: ["error": "\(error)"])
        return .content([], AlertGroups())
      } catch {
        guard !Task.isCancelled else { return .cancelled }
        note("\(error)", &problem)
        await time.pause(for: Self.firstBackoff)
      }
    }
    return .cancelled
  }

  /// Logs a problem once.
  private func note(_ new: String, _ problem: inout String?) {
    guard new != problem else { return }
    problem = new
    logger.warning(
      "cannot archive the open gaps; retrying",
      metadata: ["configMap": "\(namespace)/\(archive.name)", "error": "\(new)"])
  }
}
