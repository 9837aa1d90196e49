import JSON
import KubeClient
import Logging
internal import Roll
internal import Synchronization

/// Saves the open gaps in a ConfigMap, and at start restores those that the previous leader saved (R64).
final class GapArchiver: StatusSource {
  let client: KubeClient
  let namespace: String
  let ledger: LedgerStore
  let time: any TimeSource
  let logger: Logger
  /// Checked before every write.
  let isLeading: @Sendable () -> Bool
  /// Called after gaps of an earlier leader were restored, so that their alerts are repeated at once.
  let didRestore: @Sendable () -> Void

  private let latest = Mutex(GapArchiveStatus())

  private static let firstBackoff: Duration = .seconds(1)

  init(
    client: KubeClient, namespace: String, ledger: LedgerStore, time: any TimeSource, logger: Logger,
    isLeading: @escaping @Sendable () -> Bool, didRestore: @escaping @Sendable () -> Void
  ) {
    self.client = client
    self.namespace = namespace
    self.ledger = ledger
    self.time = time
    self.logger = logger
    self.isLeading = isLeading
    self.didRestore = didRestore
  }

  var status: GapArchiveStatus { latest.withLock { $0 } }

  /// Runs until the task is cancelled. Nothing is written before the archive was read.
  func run() async {
    guard let restored = await read() else { return }
    ledger.restore(openGaps: restored, at: time.reading())
    ledger.settleRestored(at: time.now)
    if !restored.isEmpty {
      logger.notice("restored open gaps", metadata: ["gaps": "\(restored.count)"])
      didRestore()
    }

    latest.withLock { $0.kept = restored.count }
    // Version 0 is that of an unchanged ledger. Any gap opened or closed so far makes a write due.
    var schedule = GapArchiveSchedule(written: 0)
    var problem: String?
    while !Task.isCancelled {
      // Cancellation ends the sleep; the loop's condition sees it.
      try? await time.sleep(for: .seconds(1))
      let version = ledger.gapVersion
      guard schedule.isDue(version, at: time.now), isLeading(), !Task.isCancelled else { continue }
      do {
        try await write()
        schedule.attempted(version, succeeded: true, at: time.now)
        problem = nil
      } catch {
        guard !Task.isCancelled else { return }
        schedule.attempted(version, succeeded: false, at: time.now)
        latest.withLock { $0.failures += 1 }
        note("\(error)", &problem)
      }
    }
  }

  private func write() async throws(KubeError) {
    let archive = GapArchive()
    let snapshot = ledger.snapshot()
    let total = snapshot.openGapCount
    let gaps = snapshot.openGaps(at: time.reading(), atMost: archive.maximumGaps)
    let (object, kept) = archive.configMap(of: gaps, total: total, namespace: namespace)
    try await client.apply(object, fieldManager: ObjectNames.fieldManager, force: true)
    let wasCut = latest.withLock { status in
      defer { (status.kept, status.cut) = (kept, total - kept) }
      return status.cut > 0
    }
    if total > kept, !wasCut {
      logger.warning(
        "too many open gaps to archive; the youngest would lose their age at a restart",
        metadata: ["gaps": "\(total)", "left out": "\(total - kept)"])
    }
  }

  /// Reads the archive, retrying until it succeeds. An unreadable archive counts as empty. `nil` if the task was cancelled.
  private func read() async -> [OpenGap]? {
    var problem: String?
    while !Task.isCancelled {
      do {
        return try GapArchive().gaps(in: try await client.get(.configMaps, name: GapArchive.configMapName, namespace: namespace))
      } catch let error as KubeError where error.status?.isNotFound == true {
        return []
      } catch let error as GapArchiveError {
        logger.warning("cannot restore the open gaps of an earlier leader; they start over", metadata: ["error": "\(error)"])
        return []
      } catch {
        guard !Task.isCancelled else { return nil }
        note("\(error)", &problem)
        // Cancellation ends the sleep; the loop's condition sees it.
        try? await time.sleep(for: Self.firstBackoff)
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
      metadata: ["configmap": "\(namespace)/\(GapArchive.configMapName)", "error": "\(new)"])
  }
}
