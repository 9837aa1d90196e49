package import KubeClient
package import Logging

/// Makes one replica of the controller the one that writes objects and sends alerts, by the Lease `rollcall-controller`.
package struct Leadership: Sendable {
  package static let leaseName = "rollcall-controller"

  private let elector: LeaderElector

  /// - Parameters:
  ///   - configuration: for a client of its own, whose requests never queue behind a list of pods.
  ///   - identity: other than that of every other replica.
  /// - Throws: `KubeError.configuration` where no client can be made.
  package init(
    configuration: ClusterConfiguration, namespace: String, identity: String, timing: LeaseTiming = LeaseTiming(), logger: Logger
  ) throws(KubeError) {
    let client = try KubeClient(configuration: configuration, logger: logger)
    elector = LeaderElector(
      client: client, lease: ObjectKey(namespace: namespace, name: Self.leaseName), identity: identity, timing: timing, logger: logger)
  }

  /// Whether we lead at this moment; to be asked before every write.
  package var isLeader: Bool { elector.isLeader }

  /// Who leads, as far as we have seen; `nil` for nobody.
  package var holder: String? { elector.holder }

  /// Takes part in the election until the task is cancelled, and runs `work` while we lead.
  /// - Throws: what `work` throws.
  package func run(whileLeading work: @Sendable () async throws -> Void) async throws {
    try await elector.run(whileLeading: work)
  }

  /// Gives the lease up if it is ours, so that another replica leads at once. To be called after `run`, outside of its cancelled task.
  package func release() async {
    await elector.release()
  }

  /// The name of our Pod where the manifest gives it (`POD_NAME`). Elsewhere the machine's name and a random number: two controllers started
  /// by hand on one machine are not the same.
  package static func identity(environment: [String: String]) -> String {
    if let pod = environment["POD_NAME"], !pod.isEmpty { return pod }
    return "\(environment["HOSTNAME"] ?? "rollcall")-\(String(UInt32.random(in: .min ... .max), radix: 16))"
  }
}
