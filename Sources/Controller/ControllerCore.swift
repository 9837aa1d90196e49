import KubeClient
import Logging
import ServiceLifecycle

/// Everything of the controller but its server, as one service.
struct ControllerCore: Service {
  private let controller: RollcallController

  init(_ controller: RollcallController) {
    self.controller = controller
  }

  /// Runs until the task is cancelled or the service group shuts down: not ready at once then (R60), the work ended in order, and the
  /// lease given back last (R32).
  func run() async throws {
    let controller = controller
    let configuration = controller.cluster.configuration
    var metadata: Logger.Metadata = [
      "apiServer": "\(configuration.server)", "configuration": "\(configuration.origin)",
      "namespace": "\(controller.cluster.namespace)", "identity": "\(controller.election.identity)",
    ]
    // Its description has no credentials. One from the environment is easily forgotten.
    if let proxy = configuration.proxy { metadata["proxy"] = "\(proxy)" }
    controller.logger.notice("starting", metadata: metadata)
    defer { controller.lifecycle.shutDown() }
    try await withGracefulShutdownHandler {
      do {
        try await cancelWhenGracefulShutdown { try await work() }
      } catch is CancellationError {
        // That is how the work ends when it is to end.
      }
    } onGracefulShutdown: {
      controller.lifecycle.shutDown()
      controller.logger.notice("shutting down")
    }
    await controller.election.release()
  }

  private func work() async throws {
    let controller = controller
    let updater = RollUpdater(
      nodes: controller.cluster.nodes.store, pods: controller.cluster.pods.store, rolls: controller.rolls,
      settings: controller.settings.rolls,
      time: controller.time, logger: controller.logger)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await controller.cluster.nodes.run() }
      group.addTask { await controller.cluster.pods.run() }
      group.addTask { await updater.run() }
      group.addTask { await controller.certificates.run() }
      group.addTask { await controller.calling.run() }
      group.addTask { try await controller.election.run { await controller.publication.run() } }
      try await group.waitForAll()
    }
  }
}
