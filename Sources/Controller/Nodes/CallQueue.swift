import Roll

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
