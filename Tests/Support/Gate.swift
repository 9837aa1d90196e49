package import Foundation

/// A door that is shut until somebody opens it: a script waits at it on its own thread, a test opens it (or the other way round).
package final class Gate: Sendable {
  private let condition = NSCondition()
  // Only read and written while `condition` is locked.
  private nonisolated(unsafe) var isOpenNow = false

  package init() {}

  package var isOpen: Bool {
    condition.lock()
    defer { condition.unlock() }
    return isOpenNow
  }

  /// Lets everybody through, now and later.
  package func open() {
    condition.lock()
    isOpenNow = true
    condition.broadcast()
    condition.unlock()
  }

  /// Blocks the calling thread until the gate opens; for scripts, never for async code. Returns false where `limit` seconds passed first.
  package func wait(limit: TimeInterval = 60) -> Bool {
    let end = Date(timeIntervalSinceNow: limit)
    condition.lock()
    defer { condition.unlock() }
    while !isOpenNow {
      if !condition.wait(until: end) { return isOpenNow }
    }
    return true
  }
}
