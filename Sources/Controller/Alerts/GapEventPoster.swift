import KubeClient
import Logging
import Roll
import Synchronization

/// Writes Events of gaps to the API server, as long as we lead.
final class GapEventPoster: Sendable {
  /// Who reports, in every Event.
  static let controller = "rollcall.dev/controller"

  private let policy = EventPolicy()
  private let recorder: EventRecorder
  private let time: any TimeSource
  private let isLeading: @Sendable () -> Bool
  private let words = Mutex(GapEvents())

  init(client: KubeClient, identity: String, time: any TimeSource, logger: Logger, isLeading: @escaping @Sendable () -> Bool) {
    recorder = EventRecorder(client: client, controller: Self.controller, instance: identity, policy: policy, logger: logger)
    self.time = time
    self.isLeading = isLeading
  }

  var statistics: EventStatistics { recorder.statistics }

  /// Takes the news on; returns at once.
  /// - Parameter ledger: as it is after the transitions.
  func tell(_ transitions: [GapTransition], ledger: Ledger) {
    guard isLeading() else { return }
    let reading = time.reading()
    for event in words.withLock({ $0.events(transitions, ledger: ledger, at: reading) }) {
      // Where very many gaps open, nodes of which nothing is collected say more than their pods.
      recorder.record(event, unlessWaiting: event.object.kind == "Node" ? nil : policy.maximumQueue / 2)
    }
  }

  /// Writes until the task is cancelled.
  func run() async {
    // What was told before we led anew is no longer ours to take back.
    words.withLock { $0 = GapEvents() }
    await recorder.run()
  }
}
