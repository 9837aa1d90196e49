import Roll

/// When a node is called: at a fixed place within each interval, which follows from its name. Nodes are so spread over the interval, and
/// a restart calls each at the same pace as before.
struct CallPhase {
  private let interval: Int64
  private let offset: Int64

  init(node: String, interval: Duration) {
    self.interval = max(interval.wholeMilliseconds, 1)
    // FNV-1a, whose lowest bits differ little between names that differ in the last letter: the upper half is folded in.
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in node.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    hash ^= hash >> 32
    offset = Int64(hash % UInt64(self.interval))
  }

  /// The next call strictly after `now`. Calls that were missed meanwhile are not made up for.
  func next(after now: Moment) -> Moment {
    let sinceOffset = now.milliseconds - offset
    let periods = sinceOffset >= 0 ? sinceOffset / interval + 1 : -((-sinceOffset - 1) / interval)
    return Moment(milliseconds: offset + periods * interval)
  }
}
