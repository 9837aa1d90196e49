/// Brings the world to the state that it should have, one key at a time. It takes a key and never an event: what happened is read
/// from the world, so a missed or a doubled signal does no harm.
package protocol Reconciler: Sendable {
  associatedtype Key: Hashable & Sendable

  /// Called when a loop begins to work with it: what was known of the world from an earlier time no longer holds.
  func begin()

  /// - Throws: whatever kept the state from being reached; the loop then tries the key again after a back-off.
  func reconcile(_ key: Key) async throws -> ReconcileOutcome
}

/// How a reconciliation that did not fail ended.
package enum ReconcileOutcome: Hashable, Sendable {
  /// Nothing to do until something changes, or the next full pass.
  case settled
  /// Done as far as can be; look again after so long.
  case again(after: Duration)
}
