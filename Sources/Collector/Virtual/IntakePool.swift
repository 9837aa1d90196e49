internal import Exposition
internal import Synchronization

/// The memory in which pages are taken in: as many as pages are taken in at once, used again and again.
final class IntakePool: Sendable {
  private let settings: VirtualSettings
  private let free = Mutex<[PageIntake]>([])

  init(settings: VirtualSettings) {
    self.settings = settings
  }

  func take(
    _ body: [UInt8], labels: PodLabels, _ freshness: Freshness, sharing shapes: ShapeRegistry, handOver: (CollectedPage) -> Void
  ) throws(ExpositionError) -> (page: CompactPage, facts: PageFacts) {
    var intake = free.withLock { $0.popLast() } ?? PageIntake(settings: settings)
    defer { give(back: intake) }
    return try intake.take(body, labels: labels, freshness, sharing: shapes, handOver: handOver)
  }

  private func give(back intake: PageIntake) {
    free.withLock { $0.append(intake) }
  }
}
