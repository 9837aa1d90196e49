import KubeClient
import Logging
import Roll
internal import Synchronization

/// Updates the rolls from the stores of Nodes and Pods, and when the grace of a container ends.
struct RollUpdater: Sendable {
  /// How long changes are gathered before rolls are built: rebuilding once for the pods of a drained node is cheaper than for each.
  private static let debounce: Duration = .milliseconds(100)
  /// Without any change and any grace to end, a look now and then costs nothing.
  private static let longestWait: Duration = .seconds(60)

  let nodes: Store<NodeRecord>
  let pods: Store<PodRecord>
  let rolls: RollStore
  let settings: RollSettings
  let time: any TimeSource
  let logger: Logger

  /// Runs until the task is cancelled.
  func run() async {
    let inbox = Inbox()
    await withTaskGroup { group in
      group.addTask { for await change in nodes.changes { inbox.post(nodes: change) } }
      group.addTask { for await change in pods.changesByNode { inbox.post(pods: change) } }
      await keep(inbox)
      group.cancelAll()
    }
  }

  private func keep(_ inbox: Inbox) async {
    var builder = RollBuilder(settings: settings)
    var hasBegun = false
    while !Task.isCancelled {
      if nodes.isSynced, pods.isSynced {
        let change = hasBegun ? inbox.take() : .everything
        let changes = builder.update(
          nodes: nodes.snapshot(), nodeChange: change.nodes, pods: pods.snapshot(), podChange: change.pods, at: time.reading())
        if !hasBegun {
          logger.info("rolls are complete", metadata: ["nodes": "\(builder.rolls.count)", "containers": "\(builder.containers)"])
        }
        hasBegun = true
        log(builder.notes)
        rolls.publish(changes, of: builder)
      }
      let wait = builder.nextEndOfGrace.map { max($0 - time.now, .zero) } ?? Self.longestWait
      if await inbox.wakeup.wait(until: time.now + min(wait, Self.longestWait), time: time) {
        // Cancellation ends the sleep, and the loop.
        try? await time.sleep(for: Self.debounce)
      }
    }
  }

  /// Logs a node's notes whenever they change.
  private func log(_ notes: [String: [String]]) {
    let before = rolls.snapshot().notes
    for (node, notes) in notes.filter({ $0.value != before[$0.key] }).sorted(by: { $0.key < $1.key }) {
      logger.warning("odd node", metadata: ["node": "\(node)", "notes": "\(notes.joined(separator: "; "))"])
    }
  }
}

extension RollBuilder {
  fileprivate var containers: Int { rolls.values.reduce(0) { $0 + $1.entries.count } }
}

/// What changed since the rolls were last brought up to date.
private struct PendingChange {
  var nodes: StoreChange?
  var pods: StoreChange?

  static let everything = PendingChange(nodes: .all, pods: .all)
}

private final class Inbox: Sendable {
  let wakeup = Wakeup()
  private let pending = Mutex(PendingChange())

  func post(nodes change: StoreChange) {
    pending.withLock { $0.nodes = merged($0.nodes, change) }
    wakeup.signal()
  }

  func post(pods change: StoreChange) {
    pending.withLock { $0.pods = merged($0.pods, change) }
    wakeup.signal()
  }

  func take() -> PendingChange {
    pending.withLock { pending in
      defer { pending = PendingChange() }
      return pending
    }
  }
}

private func merged(_ old: StoreChange?, _ new: StoreChange) -> StoreChange {
  switch (old, new) {
  case (nil, _): new
  case (.keys(let old)?, .keys(let new)): .keys(old.union(new))
  default: .all
  }
}
