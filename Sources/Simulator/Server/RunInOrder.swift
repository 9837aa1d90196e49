package import Hummingbird
internal import Logging
internal import ServiceLifecycle

extension ApplicationProtocol {
  /// Serves until the task is cancelled, and then ends as at a graceful shutdown: first nothing more is accepted, then connections that
  /// stay open (a watch never ends by itself) are cut.
  ///
  /// A server that is simply cancelled lets go of connections that it has accepted and nobody has taken yet, for which NIO stops the whole
  /// process (`Deinited NIOAsyncWriter without calling finish()`).
  package func runEndingInOrder() async throws {
    var configuration = ServiceGroupConfiguration(services: [.init(service: self)], logger: logger)
    configuration.maximumGracefulShutdownDuration = .milliseconds(200)
    let group = ServiceGroup(configuration: configuration)
    // A task of its own, because a child task would be cancelled with us.
    let serving = Task { try await group.run() }
    do {
      try await withTaskCancellationHandler {
        try await serving.value
      } onCancel: {
        // A handler cannot wait; `serving` ends once this has been heard.
        Task { await group.triggerGracefulShutdown() }
      }
    } catch {
      // What was cut in the end is no failure.
      try Task.checkCancellation()
      throw error
    }
    try Task.checkCancellation()
  }
}
