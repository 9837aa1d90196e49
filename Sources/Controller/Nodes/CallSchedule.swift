import Roll

/// Which nodes are to be called when: each at its place within the interval. The places stand in their order, so that a look costs
/// what is due, and not what there is.
struct CallSchedule {
  private struct Place {
    var offset: Int64
    var node: String
  }

  private let interval: Duration
  private let length: Int64
  private var places: [Place] = []
  private var lastLook: Moment

  init(interval: Duration, from now: Moment) {
    self.interval = interval
    length = max(interval.wholeMilliseconds, 1)
    lastLook = now
  }

  var nodes: [String] { places.map(\.node) }

  /// A node that is there already stays where it is.
  mutating func insert(_ node: String) {
    let place = Place(offset: CallPhase(node: node, interval: interval).offset, node: node)
    let index = index(of: place)
    if index < places.count, places[index].node == node { return }
    places.insert(place, at: index)
  }

  mutating func remove(_ node: String) {
    let index = index(of: Place(offset: CallPhase(node: node, interval: interval).offset, node: node))
    if index < places.count, places[index].node == node { places.remove(at: index) }
  }

  /// The nodes whose turn came since the last look. One whose turn came more than once since then is there once: calls that were missed
  /// are not made up for.
  mutating func due(at now: Moment) -> [String] {
    guard now > lastLook else { return [] }
    defer { lastLook = now }
    if now - lastLook >= interval { return nodes }
    let first = firstIndex(after: within(lastLook))
    let end = firstIndex(after: within(now))
    // The interval may have begun anew since the last look.
    let indices = first <= end && within(lastLook) <= within(now) ? Array(first..<end) : Array(first..<places.count) + Array(0..<end)
    return indices.map { places[$0].node }
  }

  /// When the next turn comes after `now`; `nil` without nodes.
  func next(after now: Moment) -> Moment? {
    guard let earliest = places.first else { return nil }
    let index = firstIndex(after: within(now))
    let offset = index < places.count ? places[index].offset : earliest.offset + length
    return Moment(milliseconds: now.milliseconds - within(now) + offset)
  }

  /// How far into the interval a moment is.
  private func within(_ moment: Moment) -> Int64 {
    let rest = moment.milliseconds % length
    return rest < 0 ? rest + length : rest
  }

  private func firstIndex(after offset: Int64) -> Int { places.partitioningIndex { $0.offset > offset } }

  private func index(of place: Place) -> Int {
    places.partitioningIndex { ($0.offset, $0.node) >= (place.offset, place.node) }
  }
}

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

/// The calls that are due, waiting or under way.
struct CallQueue {
  var schedule: CallSchedule
  private(set) var underWay: Set<String> = []
  /// Due, without a free place, the first first.
  private var waiting: [String] = []
  private var isWaiting: Set<String> = []
  private let pace: NodeTaskManager.Pace

  init(pace: NodeTaskManager.Pace, from now: Moment) {
    self.pace = pace
    schedule = CallSchedule(interval: pace.interval, from: now)
  }

  /// The nodes to call now, each of which takes a place; the others that are due wait. A node that is being called, or waits for it
  /// already, misses its turn.
  mutating func start(at now: Moment) -> [String] {
    var starting: [String] = []
    for node in schedule.due(at: now) where !underWay.contains(node) && !isWaiting.contains(node) {
      if underWay.count < max(pace.maximumCalls, 1) {
        underWay.insert(node)
        starting.append(node)
      } else {
        isWaiting.insert(node)
        waiting.append(node)
      }
    }
    return starting
  }

  /// A call has ended. Its place is that of whoever waits longest, who is returned.
  mutating func finished(_ node: String) -> String? {
    underWay.remove(node)
    guard !waiting.isEmpty else { return nil }
    let next = waiting.removeFirst()
    isWaiting.remove(next)
    underWay.insert(next)
    return next
  }

  mutating func clear(at now: Moment) {
    self = CallQueue(pace: pace, from: now)
  }
}
