internal import KubeClient
internal import Logging
internal import Primitives
internal import Synchronization

/// Settings of leader election.
package struct LeadershipSettings: Hashable, Sendable {
  /// Whether replicas elect a leader. Without an election a replica always leads.
  package var hasElection: Bool
  /// A name unique among the replicas; `nil` for the pod's name.
  package var identity: String?
  /// Whether a Pod may have the name of an earlier one, as in a StatefulSet.
  package var reusesPodNames: Bool

  package init(hasElection: Bool = true, identity: String? = nil, reusesPodNames: Bool = false) {
    self.hasElection = hasElection
    self.identity = identity
    self.reusesPodNames = reusesPodNames
  }
}

/// The leader as seen by this replica.
package struct LeadershipStatus: Hashable, Sendable {
  package var isLeader: Bool
  /// The current leader; `nil` if unknown.
  package var holder: String?

  package init(isLeader: Bool, holder: String?) {
    self.isLeader = isLeader
    self.holder = holder
  }
}

/// Decides whether this replica is the leader, which calls rolls, writes objects and sends alerts: while it holds the Lease, or always
/// without an election. With several shards each has its Lease and its leader.
final class Leadership: Sendable {
  let identity: String
  /// `nil` without an election.
  private let elector: LeaderElector?
  /// Whether the work runs, for a replica without an election.
  private let isWorking = Mutex(false)

  /// Creates a separate client for the Lease, so that its requests never queue behind a list of pods.
  /// - Parameter lease: the name of the Lease.
  init(
    settings: LeadershipSettings, lease: String, cluster: Cluster, environment: [String: String], logger: Logger
  ) throws(ControllerError) {
    let podName = environment["POD_NAME"].flatMap { $0.isEmpty ? nil : $0 }
    identity = settings.identity ?? podName ?? Self.randomIdentity(environment: environment)
    guard settings.hasElection else {
      elector = nil
      return
    }
    do throws(KubeError) {
      elector = LeaderElector(
        client: try KubeClient(configuration: cluster.configuration, logger: logger),
        lease: ObjectKey(namespace: cluster.namespace, name: lease), identity: identity,
        // The kubelet starts a container of a Pod only after the last one has ended, and no two Pods of a Deployment ever have the same
        // name. An identity set by hand may be shared. A StatefulSet's Pod whose predecessor was deleted by force may be one of two.
        isIdentityExclusive: identity == podName && !settings.reusesPodNames, logger: logger)
    } catch {
      throw .configuration("\(error)")
    }
  }

  /// Checked before every write.
  var isLeader: Bool { elector?.isLeader ?? isWorking.withLock { $0 } }

  /// Whether this replica may still write after `run` has ended.
  var mayFinish: Bool { elector?.isLeader ?? true }

  /// Whether another replica is known to lead. Never while the API server is unreachable.
  var isOtherLeading: Bool {
    guard let elector, !elector.isLeader, let holder = elector.holder else { return false }
    return holder != identity
  }

  /// Whether `isOtherLeading` can be relied on: false after this process was stopped, until it has asked again who leads.
  var isUpToDate: Bool { elector?.isUpToDate ?? true }

  /// The current leader; `nil` if unknown.
  var holder: String? { elector.map { $0.holder } ?? identity }

  /// Runs for election until the task is cancelled, and runs `work` while this replica leads.
  func run(whileLeading work: @Sendable () async -> Void) async throws {
    guard let elector else {
      isWorking.withLock { $0 = true }
      await work()
      isWorking.withLock { $0 = false }
      return
    }
    try await elector.run(whileLeading: work)
  }

  /// Releases the Lease, so that another replica can lead at once. Called after `run`, outside of its cancelled task.
  func release() async {
    await elector?.release()
  }

  /// The host name and a random number, so that two controllers started by hand on one machine differ.
  private static func randomIdentity(environment: [String: String]) -> String {
    "\(environment["HOSTNAME"] ?? "rollcall")-\(String(UInt32.random(in: .min ... .max), radix: 16))"
  }
}

extension Leadership: StatusSource {
  var status: LeadershipStatus { LeadershipStatus(isLeader: isLeader, holder: holder) }
}

/// The addresses at which the leaders of the shards are reached. Only a shard's leader has the metrics of its virtual nodes, and its gaps.
struct LeaderAddresses: Sendable {
  let shard: NodeShard
  let leadership: Leadership
  let others: ShardLeases
  let cluster: Cluster
  /// The address of this replica; `nil` if unknown.
  let own: String?

  /// The IP address of a shard's leader; `nil` if unknown. A Lease's holder is the name of a Pod in our namespace.
  func address(ofShard index: Int) -> String? {
    if index == shard.index { return isOtherLeading ? other : own }
    return others.holder(ofShard: index).flatMap(address(of:))
  }

  /// The IP address of the leader of our own shard; `nil` if it is unknown, or if this replica leads.
  var other: String? { isOtherLeading ? leadership.holder.flatMap(address(of:)) : nil }

  private var isOtherLeading: Bool { !leadership.isLeader && leadership.holder.map { $0 != leadership.identity } ?? false }

  private func address(of holder: String) -> String? {
    cluster.pod(namespace: cluster.namespace, name: holder)?.podIPs.first
  }

  /// In order of the shards.
  var all: [String?] { (0..<shard.count).map { address(ofShard: $0) } }
}
