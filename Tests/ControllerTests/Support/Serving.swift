import Controller
import Logging
import ServiceLifecycle

/// Serves while `body` runs, and then ends as the program does.
///
/// A server that is simply cancelled lets go of connections that it has accepted and nobody has taken yet, for which NIO stops the whole process
/// (`Deinited NIOAsyncWriter without calling finish()`).
/// - Parameter body: is given the port.
func whileServing(_ server: ControllerServer, _ body: (Int) async throws -> Void) async throws {
  var configuration = ServiceGroupConfiguration(
    services: [.init(service: server)], logger: .silent)
  // Connections that clients keep open are cut then.
  configuration.maximumGracefulShutdownDuration = .milliseconds(200)
  let services = ServiceGroup(configuration: configuration)
  try await withThrowingTaskGroup(of: Void.self) { group in
    group.addTask { try await services.run() }
    let port = try await server.waitUntilListening()
    var failure: (any Error)?
    do { try await body(port) } catch { failure = error }
    await services.triggerGracefulShutdown()
    // What was cut in the end is no failure.
    while let ended = await group.nextResult() { _ = ended }
    if let failure { throw failure }
  }
}
