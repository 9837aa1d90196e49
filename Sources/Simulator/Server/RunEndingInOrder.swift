package import Hummingbird
internal import Logging
internal import ServiceLifecycle

extension ApplicationProtocol {
  /// Serves until the task is cancelled, then shuts down gracefully: it stops accepting, and after 200 ms closes the connections that are
  /// still open (a watch never ends by itself).
  ///
  /// A server that is cancelled directly drops connections that it has accepted but not yet handled, and NIO then stops the process
  /// (`Deinited NIOAsyncWriter without calling finish()`).
  package func runEndingInOrder() async throws {
    var configuration = ServiceGroupConfiguration(services: [.init(service: self)], logger: logger)
    configuration.maximumGracefulShutdownDuration = .milliseconds(200)
    let group = ServiceGroup(configuration: configuration)
    // Unstructured, because a child task would be cancelled with this one.
    let serving = Task { try await group.run() }
    do {
      try await withTaskCancellationHandler {
        try await serving.value
      } onCancel: {
        // A cancellation handler cannot suspend; `serving` ends after this.
        Task { await group.triggerGracefulShutdown() }
      }
    } catch {
      // The connections closed at shutdown are not a failure.
      try Task.checkCancellation()
      throw error
    }
    try Task.checkCancellation()
  }
}
