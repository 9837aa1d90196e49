internal import Logging
internal import Subprocess

/// The real `rollcall-agent` for one Linux node of the demo.
struct LocalAgent {
  var node: DemoCluster.Node
  var executable: String
  var cgroups: DemoDirectory
  var certificates: DemoDirectory
  var logger: Logger

  /// Runs the agent until it ends; it is terminated when the task is cancelled.
  func run() async throws {
    var options = PlatformOptions()
    options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .seconds(3))]
    let result = try await Subprocess.run(
      .path(.init(executable)),
      arguments: [
        "--node", node.name, "--listen", "\(node.address):9753", "--roll-listen", "\(node.address):9754",
        "--tls-dir", certificates.path, "--cgroup", cgroups.path, "--log-level", "warning",
      ],
      platformOptions: options, output: .currentStandardError, error: .currentStandardError)
    logger.notice("An agent ended", metadata: ["node": "\(node.name)", "status": "\(result.terminationStatus)"])
  }
}
