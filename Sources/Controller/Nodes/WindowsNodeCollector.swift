internal import Collector
internal import Roll

/// Calls the roll of a Windows node through its exporter or its kubelet's summary, whichever the node is set to.
struct WindowsNodeCollector: NodeCollector {
  let exporter: WindowsCollector
  let summary: SummaryCollector
  let exporters: ExporterStatusStore
  let source: @Sendable (_ node: String) -> WindowsSource

  func call(_ roll: NodeRoll) async -> RollCall {
    switch source(roll.node) {
    case .exporter: return await exporter.call(roll)
    case .summary:
      exporters.forget(node: roll.node)
      return await summary.call(roll)
    case .auto:
      do throws(Miss) {
        return try await exporter.collect(roll)
      } catch {
        // Only a refused connection means that the node may have no exporter. One that hangs or answers badly is a gap.
        guard error.reason == .exporterUnreachable else { return roll.missed(error, lastScrape: .notObservable) }
        // A node whose exporter was never seen has no exporter metrics.
        if exporters.status(of: roll.node)?.health == nil { exporters.forget(node: roll.node) }
        return await summary.call(roll)
      }
    }
  }
}
