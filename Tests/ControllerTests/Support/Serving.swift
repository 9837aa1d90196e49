import Controller
import Logging
import ServiceLifecycle

/// Serves while `body` runs, then shuts down gracefully like the program.
///
/// A cancelled server drops connections that it has accepted but not yet handled, for which NIO traps
/// (`Deinited NIOAsyncWriter without calling finish()`).
/// - Parameter body: receives the port.
func whileServing(_ server: ControllerServer, _ body: (Int) async throws -> Void) async throws {
  var configuration = ServiceGroupConfiguration(
    services: [.init(service: server)], logger: .silent)
  // Closes connections that clients keep open.
  configuration.maximumGracefulShutdownDuration = .milliseconds(200)
  let services = ServiceGroup(configuration: configuration)
  try await withThrowingTaskGroup(of: Void.self) { group in
    group.addTask { try await services.run() }
    let port = try await server.waitUntilListening()
    var failure: (any Error)?
    do { try await body(port) } catch { failure = error }
    await services.triggerGracefulShutdown()
    // A part that is cut at the end is not a failure.
    while let ended = await group.nextResult() { _ = ended }
    if let failure { throw failure }
  }
}
