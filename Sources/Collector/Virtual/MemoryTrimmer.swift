internal import CLinux
internal import HTTPTransport
internal import Synchronization

/// Returns free memory to the system between roll calls: body buffers and the allocator's free lists. A roll call of thousands of pods
/// leaves megabytes of it, fragmented between cached scrapes. Allocating it again costs a few milliseconds of page faults.
final class MemoryTrimmer: Sendable {
  /// Trims after this many scrapes. Fewer leave little behind.
  private static let interval = 500

  private let buffers: BodyBufferPool
  private let scrapes = Mutex(0)

  init(_ buffers: BodyBufferPool) {
    self.buffers = buffers
  }

  /// - Parameter count: the number of scrapes in the roll call.
  func trim(after count: Int) {
    let isDue = scrapes.withLock { scrapes in
      scrapes += count
      guard scrapes >= Self.interval else { return false }
      scrapes = 0
      return true
    }
    guard isDue else { return }
    buffers.releaseAll()
    malloc_trim(0)
  }
}
