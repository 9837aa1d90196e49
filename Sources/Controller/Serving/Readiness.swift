internal import Roll
internal import Synchronization

/// One condition of readiness.
package struct ReadinessCheck: Hashable, Sendable {
  package var name: String
  /// Why the condition does not hold; `nil` if it does.
  package var problem: String?

  package init(_ name: String, problem: String?) {
    self.name = name
    self.problem = problem
  }
}

/// Whether this replica is ready: Nodes and Pods have been listed once, the rolls are complete, and it is not shutting down.
///
/// A watch that fails later does not end readiness: the last known records are still served.
struct Readiness: StatusSource {
  let watches: any StatusSource<[WatchStatus]>
  let rolls: RollStore
  let shutdown: ShutdownState

  var status: [ReadinessCheck] {
    watches.status.map { watch in
      ReadinessCheck(
        watch.resource, problem: watch.isListed ? nil : "not listed yet: \(watch.problem ?? "list in progress")")
    } + [
      ReadinessCheck("rolls", problem: rolls.snapshot().isComplete ? nil : "waiting for nodes and pods"),
      ReadinessCheck("running", problem: shutdown.hasBegun ? "shutting down" : nil),
    ]
  }
}

/// Whether this process is shutting down.
final class ShutdownState: Sendable {
  private let state = Mutex(false)

  var hasBegun: Bool { state.withLock { $0 } }

  func begin() {
    state.withLock { $0 = true }
  }
}
