import CLinux

/// How the C library's allocator is to deal with memory that is free: the agent works for a moment every few seconds, and what the moment took is
/// to be the node's again until the next.
enum Heap {
  /// To be called before there are other threads: a heap that one of them has already would be used for ever.
  static func keepSmall() {
    // A heap for each thread would keep what each has freed: the sweeps' thread is another one every time.
    mallopt(M_ARENA_MAX, 1)
    // Blocks of this size and more are the kernel's again when they are freed. Without a fixed size the allocator would raise it to that of
    // the largest block so far, the pieces of the page. Source: mallopt(3), "dynamic mmap threshold".
    mallopt(M_MMAP_THRESHOLD, 64 * 1024)
    mallopt(M_TRIM_THRESHOLD, 64 * 1024)
  }

  /// Gives back what is free between blocks that are in use, too: a third of the heap once a page was made. It takes less than a millisecond.
  static func giveBack() {
    malloc_trim(0)
  }
}
