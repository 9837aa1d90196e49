internal import CLinux

/// How the C library's allocator deals with large blocks.
enum Heap {
  /// Blocks of 512 KiB and more are the kernel's again as soon as they are freed, and so is what a heap has free at its end beyond 128 KiB.
  ///
  /// Without fixed sizes the allocator raises both to those of the largest block so far (mallopt(3), "dynamic mmap threshold"). Large blocks then are
  /// at the end of a thread's heap, which `malloc_trim` does not shorten (glibc's `mtrim` does that with the main heap alone): after the page of one
  /// virtual node with 1,000 pods 25 MB stayed; or between the small blocks that last: with 150,000 Pods they took 8 MB more.
  static func giveBackLargeBlocks() {
    mallopt(M_MMAP_THRESHOLD, 512 << 10)
    mallopt(M_TRIM_THRESHOLD, 128 << 10)
  }
}
