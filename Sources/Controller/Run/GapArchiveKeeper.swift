import JSON
import KubeClient
import Logging
import Roll

/// Keeps the open gaps in a ConfigMap, and takes over at the start what the leader before us left there (R64).
struct GapArchiveKeeper: Sendable {
  let client: KubeClient
  let namespace: String
  let ledger: LedgerBook
  let time: any TimeSource
  let logger: Logger
  /// Asked before every write.
  let isLeading: @Sendable () -> Bool
  /// Called after gaps of an earlier leader were taken over: their alerts are not to wait for the next sending.
  let tookOver: @Sendable () -> Void

  private static let firstBackoff: Duration = .seconds(1)

  /// Runs until the task is cancelled. Nothing is written before what is there was read.
  func run() async {
    guard let left = await read() else { return }
    ledger.restore(openGaps: left, at: time.reading())
    ledger.settleRestored(at: time.now)
    if !left.isEmpty {
      logger.notice("took over open gaps", metadata: ["gaps": "\(left.count)"])
      tookOver()
    }

    var schedule = GapArchiveSchedule(written: left)
    var problem: String?
    while !Task.isCancelled {
      // Cancellation ends the sleep, and the loop.
      try? await time.sleep(for: .seconds(1))
      let gaps = ledger.snapshot().openGaps(at: time.reading())
      guard schedule.isDue(gaps, at: time.now), isLeading(), !Task.isCancelled else { continue }
      do {
        try await write(gaps)
        schedule.attempted(gaps, succeeded: true, at: time.now)
        problem = nil
      } catch {
        guard !Task.isCancelled else { return }
        schedule.attempted(gaps, succeeded: false, at: time.now)
        note("\(error)", &problem)
      }
    }
  }

  private func write(_ gaps: [OpenGap]) async throws(KubeError) {
    let (object, cut) = GapArchive().configMap(of: gaps, namespace: namespace)
    try await client.apply(object, fieldManager: ObjectNames.fieldManager, force: true)
    if cut > 0 {
      logger.warning(
        "too many open gaps to keep all of them over a restart; the youngest would begin anew",
        metadata: ["gaps": "\(gaps.count)", "left out": "\(cut)"])
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
