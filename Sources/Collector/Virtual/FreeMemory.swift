internal import CLinux
internal import Synchronization

/// Gives memory back that the allocator holds for nobody. A round of thousands of pages leaves megabytes of it, spread between the pages
/// that stay; what is needed again the next time is a few milliseconds of page faults.
final class FreeMemory: Sendable {
  /// Fewer pages leave little behind.
  private static let pages = 500

  private let taken = Mutex(0)

  /// - Parameter count: of pages that were taken in.
  func release(after count: Int) {
    let isDue = taken.withLock { taken in
      taken += count
      guard taken >= Self.pages else { return false }
      taken = 0
      return true
    }
    if isDue { malloc_trim(0) }
  }
}
