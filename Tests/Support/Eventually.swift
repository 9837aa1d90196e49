/// Thrown by `eventually` if the condition never held.
package struct NeverHappened: Error, CustomStringConvertible {
  package let description: String
}

/// Waits until `condition` holds. The limit is a guard against a hang, not an assertion about speed: on a machine so busy that the
/// condition is hardly evaluated, it is extended until that has happened 200 times.
///
///     try await eventually("the client has closed its connection") { server.openConnections == 0 }
///
/// Evaluates a cheap condition every 10 ms. One that asks a program takes processor time from other tests, so it is evaluated less often,
/// at least four times a second.
/// - Throws: `NeverHappened` after `limit`, and `CancellationError` if the task is cancelled.
package func eventually(
  _ what: String, within limit: Duration = .seconds(120), _ condition: () async throws -> Bool
) async throws {
  let end = ContinuousClock.now + limit
  var looks = 0
  while true {
    let start = ContinuousClock.now
    if try await condition() { return }
    looks += 1
    if ContinuousClock.now > end, looks >= 200 { throw NeverHappened(description: "after \(limit) still not: \(what)") }
    try await Task.sleep(for: min(max((ContinuousClock.now - start) * 10, .milliseconds(10)), .milliseconds(250)))
  }
}
