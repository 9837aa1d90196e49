import Collector
import Logging
import Roll
internal import Synchronization

/// Calls the roll of a virtual node, and logs which of its pods failed or recovered since the last call.
///
/// A pod has a line of its own for each change. Where more than a few change in the same way at once, as when a network fails, they share
/// lines: each pod is still named once, and 5,000 of them are 50 lines.
final class VirtualNodeCollector: NodeCollector {
  /// So many pods that change in the same way have lines of their own.
  private static let ownLines = 10
  private static let podsOfLine = 100

  private let collector: VirtualCollector
  private let logger: Logger
  private let failures = Mutex(PodFailures())

  init(_ collector: VirtualCollector, logger: Logger) {
    self.collector = collector
    self.logger = logger
  }

  func call(_ roll: NodeRoll) async -> RollCall {
    let call = await collector.call(roll)
    // A call that was ended early says nothing.
    if !Task.isCancelled { note(call, of: roll) }
    return call
  }

  func forget(node: String) {
    collector.forget(node: node)
    failures.withLock { $0.forget(node: node) }
  }

  func note(_ call: RollCall, of roll: NodeRoll) {
    let changes = failures.withLock { $0.changes(by: call, of: roll) }
    let states = changes.map(\.state).reduce(into: [PodChange.State]()) { if !$0.contains($1) { $0.append($1) } }
    for state in states {
      let like = changes.filter { $0.state == state }
      let lines = like.count > Self.ownLines ? Self.podsOfLine : 1
      for start in stride(from: 0, to: like.count, by: lines) { log(like[start..<min(start + lines, like.count)], state, node: roll.node) }
    }
  }

  /// - Parameter pods: one, or some that changed in the same way.
  private func log(_ pods: ArraySlice<PodChange>, _ state: PodChange.State, node: String) {
    let names = pods.map { "\($0.namespace)/\($0.pod)" }
    var metadata: Logger.Metadata = ["node": "\(node)"]
    if let name = names.first, names.count == 1 {
      metadata["pod"] = "\(name)"
    } else {
      metadata["count"] = "\(names.count)"
      metadata["pods"] = "\(names.joined(separator: " "))"
    }
    switch state {
    case .failed(let reason):
      metadata["reason"] = "\(reason.rawValue)"
      // Of many, one tells what to look at.
      metadata["detail"] = "\(pods.first?.detail ?? "")"
      logger.warning("pod of a virtual node not collected", metadata: metadata)
    case .recovered(let reason):
      metadata["after"] = "\(reason.rawValue)"
      logger.notice("pod of a virtual node collected again", metadata: metadata)
    }
  }
}
