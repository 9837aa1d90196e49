internal import Collector
internal import Roll

/// Calls the roll of a Windows node by its exporter or by its kubelet's summary, as the node asks for it.
struct WindowsNodeCollector: NodeCollector {
  let exporter: WindowsCollector
  let summary: SummaryCollector
  /// How it stands with the exporters.
  let book: ExporterBook
  let source: @Sendable (_ node: String) -> ControllerSettings.WindowsSource

  func call(_ roll: NodeRoll) async -> RollCall {
    switch source(roll.node) {
    case .exporter: return await exporter.call(roll)
    case .summary:
      book.forget(node: roll.node)
      return await summary.call(roll)
    case .auto:
      let call = await exporter.call(roll)
      guard call.answers.allSatisfy(\.isOfNoExporter) else { return call }
      // Where none was ever seen, none is missed.
      if book.standing(of: roll.node)?.health == nil { book.forget(node: roll.node) }
      return await summary.call(roll)
    }
  }
}

extension Answer {
  /// Nobody accepted a connection: there may be no exporter at all. One that hangs or answers badly is there, and is to be mended.
  fileprivate var isOfNoExporter: Bool {
    guard case .missed(let reason, let detail) = self else { return false }
    return reason == .exporterUnreachable || (reason == .nodeNotReady && detail.contains(Reason.exporterUnreachable.rawValue))
  }
}
