internal import CLinux

/// Settings of the C library's allocator. Source: mallopt(3).
package enum Heap {
  /// Has all threads share one arena. Must be called before the process starts other threads, since existing arenas remain in use.
  package static func useOneArena() {
    mallopt(M_ARENA_MAX, 1)
  }

  /// Returns blocks of `size` bytes and more to the kernel as soon as they are freed, and the free end of a heap beyond `freeEnd` bytes.
  ///
  /// Without fixed sizes the allocator raises both to the size of the largest block freed so far ("dynamic mmap threshold"). Large blocks
  /// are then carved from a thread's heap, which `malloc_trim` does not shorten (glibc's `mtrim` only shortens the main heap): the scrape
  /// body of one virtual node with 1,000 pods left 25 MB behind. With 150,000 Pods, large blocks between small long-lived ones took 8 MB
  /// more.
  package static func releaseLargeBlocks(from size: Int32 = 512 << 10, freeEnd: Int32 = 128 << 10) {
    mallopt(M_MMAP_THRESHOLD, size)
    mallopt(M_TRIM_THRESHOLD, freeEnd)
  }

  /// Returns pages without a block in use to the kernel, wherever they are in a heap. Takes about 10 ms for a heap of 130 MB. Source:
  /// malloc_trim(3).
  package static func releaseFreePages() {
    malloc_trim(0)
  }
}
