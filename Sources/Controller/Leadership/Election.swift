import KubeClient
import Logging
internal import Synchronization

/// Whether we are the replica that calls, writes and alerts: by a Lease among several, or always where there is no election.
final class Election: Sendable {
  let identity: String
  private let leadership: Leadership?
  /// Without an election.
  private let works = Mutex(false)

  init(settings: ControllerSettings, cluster: Cluster, environment: [String: String], logger: Logger) throws(ControllerError) {
    identity = settings.identity ?? Leadership.identity(environment: environment)
    guard settings.leaderElection == .on else {
      leadership = nil
      return
    }
    do {
      leadership = try Leadership(
        configuration: cluster.configuration, namespace: cluster.namespace, identity: identity, logger: logger)
    } catch {
      throw .configuration("\(error)")
    }
  }

  var isLeader: Bool { leadership?.isLeader ?? works.withLock { $0 } }

  /// Whether another replica is seen to lead. One that we cannot see, because the API server is out of reach, does not count.
  var isOtherLeading: Bool {
    guard let leadership, !leadership.isLeader, let holder = leadership.holder else { return false }
    return holder != identity
  }

  var holder: String? { leadership.map { $0.holder } ?? identity }

  /// Runs the work whenever we lead, until the task is cancelled.
  func run(whileLeading work: @Sendable () async -> Void) async throws {
    guard let leadership else {
      works.withLock { $0 = true }
      await work()
      works.withLock { $0 = false }
      return
    }
    try await leadership.run(whileLeading: work)
  }

  /// To be called after `run`, so that another can lead at once.
  func release() async {
    await leadership?.release()
  }
}
