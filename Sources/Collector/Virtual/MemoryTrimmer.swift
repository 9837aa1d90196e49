internal import CLinux
internal import HTTPTransport
internal import Synchronization

/// Gives memory back that nobody needs between rounds: that of bodies, and what the allocator holds. A round of thousands of pages leaves megabytes of it, spread between the pages
/// that stay; what is needed again the next time is a few milliseconds of page faults.
final class MemoryTrimmer: Sendable {
  /// Fewer pages leave little behind.
  private static let pages = 500

  private let buffers: BodyBufferPool
  private let taken = Mutex(0)

  init(_ buffers: BodyBufferPool) {
    self.buffers = buffers
  }

  /// - Parameter count: of pods whose pages were taken in.
  func release(after count: Int) {
    let isDue = taken.withLock { taken in
      taken += count
      guard taken >= Self.pages else { return false }
      taken = 0
      return true
    }
    guard isDue else { return }
    buffers.releaseAll()
    malloc_trim(0)
  }
}
