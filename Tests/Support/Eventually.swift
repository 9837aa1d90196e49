/// Thrown by `eventually` where the world never came to look as the test says it must.
package struct NeverHappened: Error, CustomStringConvertible {
  package let description: String
}

/// Waits until `condition` holds, looking again every 10 ms; the limit is a guard against a hang, not an assertion about speed: on a
/// machine so busy that we hardly get to look, it is extended until we have looked 200 times.
///
///     try await eventually("the client has closed its connection") { server.openConnections == 0 }
///
/// Throws `NeverHappened` after `limit`, and `CancellationError` where the task is cancelled.
package func eventually(
  _ what: String, within limit: Duration = .seconds(120), _ condition: () async throws -> Bool
) async throws {
  let end = ContinuousClock.now + limit
  var looks = 0
  while try await !condition() {
    looks += 1
    if ContinuousClock.now > end, looks >= 200 { throw NeverHappened(description: "after \(limit) still not: \(what)") }
    try await Task.sleep(for: .milliseconds(10))
  }
}
