import JSON
import KubeClient
import Logging
import Roll
internal import Synchronization

/// Keeps the open gaps in a ConfigMap, and takes over at the start what the leader before us left there (R64).
final class GapArchiver: StatusSource {
  let client: KubeClient
  let namespace: String
  let ledger: LedgerStore
  let time: any TimeSource
  let logger: Logger
  /// Asked before every write.
  let isLeading: @Sendable () -> Bool
  /// Called after gaps of an earlier leader were taken over: their alerts are not to wait for the next sending.
  let tookOver: @Sendable () -> Void

  private let latest = Mutex(GapArchiveStatus())

  private static let firstBackoff: Duration = .seconds(1)

  init(
    client: KubeClient, namespace: String, ledger: LedgerStore, time: any TimeSource, logger: Logger,
    isLeading: @escaping @Sendable () -> Bool, tookOver: @escaping @Sendable () -> Void
  ) {
    self.client = client
    self.namespace = namespace
    self.ledger = ledger
    self.time = time
    self.logger = logger
    self.isLeading = isLeading
    self.tookOver = tookOver
  }

  var status: GapArchiveStatus { latest.withLock { $0 } }

  /// Runs until the task is cancelled. Nothing is written before what is there was read.
  func run() async {
    guard let left = await read() else { return }
    ledger.restore(openGaps: left, at: time.reading())
    ledger.settleRestored(at: time.now)
    if !left.isEmpty {
      logger.notice("took over open gaps", metadata: ["gaps": "\(left.count)"])
      tookOver()
    }

    latest.withLock { $0.kept = left.count }
    // What opened before the restored gaps were entered, and what of these was closed, has given the ledger another version.
    var schedule = GapArchiveSchedule(written: 0)
    var problem: String?
    while !Task.isCancelled {
      // Cancellation ends the sleep, and the loop.
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
        "too many open gaps to keep all of them over a restart; the youngest would begin anew",
        metadata: ["gaps": "\(total)", "left out": "\(total - kept)"])
    }
  }

  /// What is there; `nil` if the task was cancelled before that was known.
  private func read() async -> [OpenGap]? {
    var problem: String?
    while !Task.isCancelled {
      do {
        return try GapArchive().gaps(in: try await client.get(.configMaps, name: GapArchive.configMapName, namespace: namespace))
      } catch let error as KubeError where error.status?.isNotFound == true {
        return []
      } catch let error as GapArchiveError {
        logger.warning("the open gaps of an earlier leader cannot be taken over; they begin anew", metadata: ["error": "\(error)"])
        return []
      } catch {
        guard !Task.isCancelled else { return nil }
        note("\(error)", &problem)
        // Cancellation ends the sleep, and the loop.
        try? await time.sleep(for: Self.firstBackoff)
      }
    }
    return nil
  }

  /// Says a problem once.
  private func note(_ new: String, _ problem: inout String?) {
    guard new != problem else { return }
    problem = new
    logger.warning(
      "cannot keep the open gaps; trying again until it works",
      metadata: ["configmap": "\(namespace)/\(GapArchive.configMapName)", "error": "\(new)"])
  }
}
