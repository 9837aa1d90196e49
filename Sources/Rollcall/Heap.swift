internal import CLinux

/// How the C library's allocator deals with large blocks.
enum Heap {
  /// Blocks of 1 MiB and more are the kernel's again as soon as they are freed.
  ///
  /// Without a fixed size the allocator raises it to that of the largest block so far (mallopt(3), "dynamic mmap threshold"). Such blocks then are at
  /// the end of a thread's heap, which `malloc_trim` does not shorten (glibc's `mtrim` does that with the main heap alone): after the page of one
  /// virtual node with 1,000 pods 25 MB stayed.
  static func giveBackLargeBlocks() {
    mallopt(M_MMAP_THRESHOLD, 1 << 20)
  }
}
