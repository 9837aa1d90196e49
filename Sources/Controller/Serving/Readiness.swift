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

/// Whether this replica is ready: Nodes and Pods have been listed and their watches are in sync, the rolls are complete, and it is not
/// shutting down.
///
/// A watch may be out of sync for a short time, as when the API server restarts. The last known records are served in any case.
struct Readiness: StatusSource {
  let freshness: RollFreshness
  let rolls: RollStore
  let shutdown: ShutdownState

  var status: [ReadinessCheck] {
    freshness.watches.status.filter(\.isRequired).map { ReadinessCheck($0.resource, problem: problem(of: $0)) } + [
      ReadinessCheck("rolls", problem: rolls.snapshot().isComplete ? nil : "waiting for nodes and pods"),
      ReadinessCheck("running", problem: shutdown.hasBegun ? "shutting down" : nil),
    ]
  }

  private func problem(of watch: WatchStatus) -> String? {
    guard watch.isListed else { return "not listed yet: \(watch.problem ?? "list in progress")" }
    guard freshness.isStale(watch), let time = watch.timeOutOfSync else { return nil }
    return "not in sync for \(time.inWholeSeconds.text): \(watch.problem ?? "")"
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
