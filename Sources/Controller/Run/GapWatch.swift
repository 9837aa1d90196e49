import Logging
import Roll

/// Looks at the ledger every second, since gaps open by time alone; logs what opens and closes, and lets others know.
struct GapWatch: Sendable {
  let ledger: LedgerBook
  let time: any TimeSource
  let logger: Logger
  /// Called after something opened or closed.
  let changed: @Sendable ([GapTransition]) -> Void

  /// Runs until the task is cancelled.
  func run() async {
    while !Task.isCancelled {
      ledger.evaluate(at: time.now)
      let transitions = ledger.takeTransitions()
      for transition in transitions { log(transition) }
      if !transitions.isEmpty { changed(transitions) }
      // Cancellation ends the sleep, and the loop.
      try? await time.sleep(for: .seconds(1))
    }
  }

  private func log(_ transition: GapTransition) {
    let gap = transition.gap
    var metadata: Logger.Metadata = [
      "container": "\(gap.container.namespace)/\(gap.container.pod)/\(gap.container.container)", "node": "\(gap.node)",
      "source": "\(gap.source.rawValue)", "kind": "\(gap.kind.rawValue)", "reason": "\(gap.reason.rawValue)",
    ]
    switch transition.change {
    case .opened:
      metadata["detail"] = "\(gap.detail)"
      metadata["age"] = "\((transition.at - gap.since).inWholeSeconds.text)"
      logger.warning("gap opened", metadata: metadata)
    case .closed(let end, let length):
      metadata["after"] = "\(length.inWholeSeconds.text)"
      metadata["because"] = "\(end.text)"
      logger.notice("gap closed", metadata: metadata)
    }
  }
}

extension GapEnd {
  /// For people.
  var text: String {
    switch self {
    case .recovered: "it is seen again"
    case .leftRoll: "the container is gone; nobody saw it again"
    case .exempt(let exemption): "the container need not be collected any more: \(exemption.rawValue)"
    case .replaced: "another instance has taken the container's place"
    case .superseded: "another gap of the container has taken its place"
    }
  }
}
