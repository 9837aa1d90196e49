import JSON
import KubeClient
import Logging
internal import Roll
internal import Synchronization

/// Saves the open gaps, and the ages that may become gaps, in a ConfigMap, and at start restores those that the previous leader saved (R64,
/// R72).
final class GapArchiver: StatusSource {
  let client: KubeClient
  let namespace: String
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
    client: KubeClient, namespace: String, ledger: LedgerStore, policy: ArchivePolicy, time: any TimeSource, logger: Logger,
    isLeading: @escaping @Sendable () -> Bool, groups: @escaping @Sendable () -> AlertGroups,
    takeOver: @escaping @Sendable (_ groups: AlertGroups, _ restore: () -> Ledger) -> Void
  ) {
    self.client = client
    self.namespace = namespace
    self.ledger = ledger
    self.policy = policy
    self.time = time
    self.logger = logger
    self.isLeading = isLeading
    self.groups = groups
    self.takeOver = takeOver
  }

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
        metadata: ["configMap": "\(namespace)/\(GapArchive.configMapName)", "error": "\(error)"])
    }
  }

  private func content() -> Content {
    let snapshot = ledger.snapshot()
    let reading = time.reading()
    let (ages, total) = snapshot.archivedAges(at: reading, policy: policy, atMost: GapArchive().maximumGaps)
    let groups = ages.isEmpty ? AlertGroups() : groups()
    return Content(ages: ages, total: total, groups: groups, fingerprint: fingerprint(of: snapshot, groups, at: reading.moment))
  }

  /// 0 for an empty archive.
  private func fingerprint(of ledger: Ledger, _ groups: AlertGroups, at now: Moment) -> Int {
    let ages = ledger.archiveFingerprint(at: now, policy: policy)
    return ages == 0 || groups.isEmpty ? ages : ages ^ groups.hashValue
  }

  private func write(_ content: Content) async throws(KubeError) {
    let (object, kept) = GapArchive().configMap(of: content.ages, total: content.total, groups: content.groups, namespace: namespace)
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

  /// Reads the archive, retrying until it succeeds. An unreadable archive counts as empty. `nil` if the task was cancelled.
  private func read() async -> (ages: [ArchivedAge], groups: AlertGroups)? {
    var problem: String?
    while !Task.isCancelled {
      do {
        let object = try await client.get(.configMaps, name: GapArchive.configMapName, namespace: namespace)
        return try GapArchive().content(of: object)
      } catch let error as KubeError where error.status?.isNotFound == true {
        return ([], AlertGroups())
      } catch let error as GapArchiveError {
        logger.warning("cannot restore the open gaps of an earlier leader; they start over", metadata: ["error": "\(error)"])
        return ([], AlertGroups())
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
    logger.warning(
      "cannot archive the open gaps; retrying",
      metadata: ["configMap": "\(namespace)/\(GapArchive.configMapName)", "error": "\(new)"])
  }
}
