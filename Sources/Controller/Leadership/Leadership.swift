internal import KubeClient
internal import Logging
internal import Synchronization

/// How replicas agree on a leader.
package struct LeadershipSettings: Hashable, Sendable {
  /// Whether replicas elect a leader. A replica without an election always leads.
  package var hasElection: Bool
  /// A name that no other replica has; `nil` for the pod's name.
  package var identity: String?

  package init(hasElection: Bool = true, identity: String? = nil) {
    self.hasElection = hasElection
    self.identity = identity
  }
}

/// Who leads, as this replica sees it.
package struct LeadershipStatus: Hashable, Sendable {
  package var isLeader: Bool
  /// `nil` if nobody is known to lead.
  package var holder: String?

  package init(isLeader: Bool, holder: String?) {
    self.isLeader = isLeader
    self.holder = holder
  }
}

/// Whether this replica calls rolls, writes objects and sends alerts: while it holds the Lease `rollcall-controller`, or always if there is
/// no election.
final class Leadership: Sendable {
  private static let leaseName = "rollcall-controller"

  let identity: String
  /// `nil` without an election.
  private let elector: LeaderElector?
  /// Whether the work runs, for a replica without an election.
  private let isWorking = Mutex(false)

  /// Makes a client of its own for the Lease, so that its requests never queue behind a list of pods.
  init(settings: LeadershipSettings, cluster: Cluster, environment: [String: String], logger: Logger) throws(ControllerError) {
    identity = settings.identity ?? Self.identity(environment: environment)
    guard settings.hasElection else {
      elector = nil
      return
    }
    do throws(KubeError) {
      elector = LeaderElector(
        client: try KubeClient(configuration: cluster.configuration, logger: logger),
        lease: ObjectKey(namespace: cluster.namespace, name: Self.leaseName), identity: identity, logger: logger)
    } catch {
      throw .configuration("\(error)")
    }
  }

  /// Checked before every write.
  var isLeader: Bool { elector?.isLeader ?? isWorking.withLock { $0 } }

  /// Whether another replica is seen to lead. While the API server is unreachable none is.
  var isOtherLeading: Bool {
    guard let elector, !elector.isLeader, let holder = elector.holder else { return false }
    return holder != identity
  }

  /// The replica that is known to lead; `nil` for none.
  var holder: String? { elector.map { $0.holder } ?? identity }

  /// Takes part in the election until the task is cancelled, and runs `work` while this replica leads.
  func run(whileLeading work: @Sendable () async -> Void) async throws {
    guard let elector else {
      isWorking.withLock { $0 = true }
      await work()
      isWorking.withLock { $0 = false }
      return
    }
    try await elector.run(whileLeading: work)
  }

  /// Gives up the Lease, so that another replica leads at once. Called after `run`, outside of its cancelled task.
  func release() async {
    await elector?.release()
  }

  /// The name of our Pod where the manifest sets it (`POD_NAME`). Elsewhere the machine's name and a random number, which differ for two
  /// controllers started by hand on one machine.
  private static func identity(environment: [String: String]) -> String {
    if let pod = environment["POD_NAME"], !pod.isEmpty { return pod }
    return "\(environment["HOSTNAME"] ?? "rollcall")-\(String(UInt32.random(in: .min ... .max), radix: 16))"
  }
}

extension Leadership: StatusSource {
  var status: LeadershipStatus { LeadershipStatus(isLeader: isLeader, holder: holder) }
}

/// Where Prometheus reaches the leader, the only replica that has the metrics of virtual nodes.
struct LeaderAddress: Sendable {
  let leadership: Leadership
  let cluster: Cluster
  /// The address of this replica; `nil` if it is unknown.
  let own: String?

  /// The IP address of the leader; `nil` while it is unknown. The holder of the Lease is the name of a Pod in our namespace.
  var current: String? {
    guard !leadership.isLeader, let holder = leadership.holder, holder != leadership.identity else { return own }
    return cluster.pod(namespace: cluster.namespace, name: holder)?.podIPs.first
  }
}
