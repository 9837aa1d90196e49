internal import JSON
public import Logging

/// Makes one of several processes the leader, by a Lease (`coordination.k8s.io/v1`) that they renew in turn.
public final class LeaderElector: Sendable {
  let client: KubeClient
  let lease: ObjectKey
  let identity: String
  let timing: LeaseTiming
  let logger: Logger

  /// - Parameters:
  ///   - client: best one of its own, so that its requests never queue behind others.
  ///   - lease: which Lease; it is created where it does not exist.
  ///   - identity: who we are, other than every other candidate: the name of the Pod.
  public init(client: KubeClient, lease: ObjectKey, identity: String, timing: LeaseTiming = LeaseTiming(), logger: Logger) {
    self.client = client
    self.lease = lease
    self.identity = identity
    self.timing = timing
    self.logger = logger
  }

  /// Whether we lead at this moment. Ask before every write: it is false as soon as the renewal deadline has passed, also after the process
  /// or the machine was stopped.
  public var isLeader: Bool { false }

  /// Who holds the lease, as far as we have seen; `nil` for nobody.
  public var holder: String? { nil }

  /// Takes part in the election until the task is cancelled.
  ///
  /// While we lead, `work` runs; it is cancelled when leadership is lost, and starts anew when it is won again. When the task is cancelled,
  /// the work ends first, then the lease is released if it is still ours.
  /// - Throws: What `work` throws; the lease is released then, too.
  public func run(whileLeading work: @Sendable () async throws -> Void) async throws {}
}
