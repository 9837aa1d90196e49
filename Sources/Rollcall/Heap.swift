internal import CLinux

/// How the C library's allocator deals with large blocks.
enum Heap {
  /// Blocks of 1 MiB and more are the kernel's again as soon as they are freed, and so is what a heap has free at its end beyond 2 MiB.
  ///
  /// Without fixed sizes the allocator raises both to those of the largest block so far (mallopt(3), "dynamic mmap threshold"). Large blocks then are
  /// at the end of a thread's heap, which `malloc_trim` does not shorten (glibc's `mtrim` does that with the main heap alone): after the page of one
  /// virtual node with 1,000 pods 25 MB stayed. With less than 2 MiB at the end, a busy watch has its buffers mapped anew each time, for a quarter more
  /// CPU.
  static func giveBackLargeBlocks() {
    mallopt(M_MMAP_THRESHOLD, 1 << 20)
    mallopt(M_TRIM_THRESHOLD, 2 << 20)
  }
}
