import Roll

/// When a node is called: at a fixed place within each interval, which follows from its name. Nodes are so spread over the interval, and
/// a restart calls each at the same pace as before.
struct CallPhase {
  /// How far into the interval, in milliseconds of the monotonic clock.
  let offset: Int64

  init(node: String, interval: Duration) {
    // FNV-1a, whose lowest bits differ little between names that differ in the last letter: the upper half is folded in.
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in node.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    hash ^= hash >> 32
    offset = Int64(hash % UInt64(max(interval.wholeMilliseconds, 1)))
  }
}
