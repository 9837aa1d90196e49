internal import AsyncPrimitives
import KubeClient
import Logging
import Roll
internal import Synchronization

/// Updates the rolls when Nodes, Pods or exemptions change and when a grace period ends.
struct RollUpdater: Sendable {
  /// Changes are collected for this time before rolls are rebuilt, so that draining a node does not rebuild them for each pod.
  private static let debounce: Duration = .milliseconds(100)
  /// The wait without changes and grace periods. An update with nothing to do costs nothing.
  private static let longestWait: Duration = .seconds(60)

  let nodes: Store<NodeRecord>
  let pods: Store<PodRecord>
  let rolls: RollStore
  let settings: RollSettings
  let exemptions: ExemptionWatches
  let policies: PolicyWatch
  let time: any TimeSource
  let logger: Logger
  /// Called when other policies are in force, since open gaps may have other alerts then.
  let policiesChanged: @Sendable () -> Void

  /// Runs until the task is cancelled.
  func run() async {
    let inbox = Inbox()
    await withTaskGroup { group in
      group.addTask { for await change in nodes.changes { inbox.post(nodes: change) } }
      group.addTask { for await change in pods.changesByNode { inbox.post(pods: change) } }
      group.addTask { await exemptions.forEachChange { inbox.postRules() } }
      group.addTask { await policies.forEachChange { inbox.postPolicies() } }
      await update(from: inbox)
      group.cancelAll()
    }
  }

  private func update(from inbox: Inbox) async {
    var builder = RollBuilder(settings: settings)
    var hasUpdated = false
    while !Task.isCancelled {
      if nodes.isSynced, pods.isSynced, hasUpdated || policies.isSettled {
        let change = hasUpdated ? inbox.take() : .everything
        let changes = builder.update(
          nodes: nodes.snapshot(), nodeChange: change.nodes, pods: pods.snapshot(), podChange: change.pods,
          rules: change.rules ? exemptions.rules(settings.exemptions) : nil, policies: change.policies ? policies.set : nil,
          at: time.reading())
        if !hasUpdated {
          logger.info("rolls are complete", metadata: ["nodes": "\(builder.rolls.count)", "containers": "\(builder.containers)"])
        }
        hasUpdated = true
        log(builder.notes)
        rolls.publish(changes, of: builder)
        if change.policies { policiesChanged() }
      }
      var wait = builder.nextChange.map { max($0 - time.now, .zero) } ?? Self.longestWait
      if !hasUpdated, nodes.isSynced, pods.isSynced { wait = Self.debounce }
      if await inbox.wakeup.wait(until: time.now + min(wait, Self.longestWait), time: time) {
        await time.pause(for: Self.debounce)
      }
    }
  }

  /// Logs a node's notes whenever they change.
  private func log(_ notes: [String: [String]]) {
    let before = rolls.snapshot().notes
    for (node, notes) in notes.filter({ $0.value != before[$0.key] }).sorted(by: { $0.key < $1.key }) {
      logger.warning("node has problems", metadata: ["node": "\(node)", "error": "\(notes.joined(separator: "; "))"])
    }
  }
}

extension RollBuilder {
  fileprivate var containers: Int { rolls.values.reduce(0) { $0 + $1.entries.count } }
}

/// Changes since the last update of the rolls.
private struct PendingChange {
  var nodes: StoreChange?
  var pods: StoreChange?
  var rules = false
  var policies = false

  static let everything = PendingChange(nodes: .all, pods: .all, rules: true, policies: true)
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

  func postRules() {
    pending.withLock { $0.rules = true }
    wakeup.signal()
  }

  func postPolicies() {
    pending.withLock { $0.policies = true }
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
