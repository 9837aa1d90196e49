internal import ArgumentParser
internal import AsyncPrimitives
internal import Synchronization

/// An outage that the demo can inject.
enum Outage: String, CaseIterable, ExpressibleByArgument {
  case agentDown = "agent-down"
  case exporterDown = "exporter-down"
  case podSilent = "pod-silent"

  var announcement: String {
    switch self {
    case .agentDown: "the agent of linux-1 is stopped: AgentUnreachable is expected for its three running containers"
    case .exporterDown: "the exporter of windows-1 is stopped: ExporterUnreachable is expected for shop/reports-0"
    case .podSilent: "the endpoint of batch/render-0 accepts connections but does not respond: EndpointTimeout is expected"
    }
  }
}

/// The active outages. Parts of the demo wait here for an outage to begin or to end.
final class Outages: Sendable {
  private struct State {
    var active: Set<Outage> = []
    var nextChange = Promise<Void>()
  }

  private let state = Mutex(State())

  func set(_ outage: Outage, active: Bool) {
    let change = state.withLock { state in
      if active { state.active.insert(outage) } else { state.active.remove(outage) }
      defer { state.nextChange = Promise() }
      return state.nextChange
    }
    change.fulfill(())
  }

  /// Waits until the outage is active (or over, for `false`) or the task is cancelled.
  func wait(for outage: Outage, active: Bool) async {
    while true {
      let (isReached, change) = state.withLock { ($0.active.contains(outage) == active, $0.nextChange) }
      if isReached { return }
      guard await change.valueUnlessCancelled() != nil else { return }
    }
  }
}

extension Outages {
  /// Runs `work` until the task is cancelled. It is cancelled during the outage and restarted after it, and restarted if it ends on its
  /// own.
  func interrupting(_ outage: Outage?, _ work: @escaping @Sendable () async throws -> Void) async throws {
    while !Task.isCancelled {
      if let outage { await wait(for: outage, active: false) }
      try await withThrowingTaskGroup { group in
        group.addTask { try await work() }
        if let outage {
          group.addTask { await self.wait(for: outage, active: true) }
        }
        try await group.next()
        group.cancelAll()
      }
      try await Task.sleep(for: .milliseconds(500))  // the work has reported its failure; do not spin
    }
  }
}
