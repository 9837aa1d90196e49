internal import Collector
internal import Roll

/// Calls the roll of a Windows node through its windows_exporter or the kubelet's summary, as configured for the node.
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
        // Only a failed connection suggests that the node has no exporter. A timeout or a bad response is a miss.
        guard error.reason == .exporterUnreachable else { return roll.missed(error, lastScrape: .notObservable) }
        // No exporter metrics for a node whose exporter never responded.
        if exporters.status(of: roll.node)?.health == nil { exporters.forget(node: roll.node) }
        return await summary.call(roll)
      }
    }
  }
}
