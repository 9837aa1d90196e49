internal import Primitives
import Roll

/// Schedules each node soon after it was inserted, and then once per interval, at the node's phase. Turns are sorted by phase, so two
/// binary searches find the due ones.
struct CallSchedule {
  /// The first calls of nodes inserted together are spread over this time. A new leader inserts all nodes, and knows of none whether its
  /// containers can be collected, so it does not wait for their phases. With the time that `LeaderLoop` needs it stays below two seconds.
  static let firstCallsWithin: Duration = .milliseconds(1500)

  private struct Turn {
    /// Milliseconds into the interval.
    var offset: Int64
    var node: String
  }

  private struct FirstCall {
    var due: Moment
    var node: String
  }

  private let interval: Duration
  private let length: Int64
  private var turns: [Turn] = []
  /// The first calls that are not due yet, in order of time.
  private var firstCalls: [FirstCall] = []
  private var lastCheck: Moment

  init(interval: Duration, from now: Moment) {
    self.interval = interval
    length = max(interval.wholeMilliseconds, 1)
    lastCheck = now
  }

  var nodes: [String] { turns.map(\.node) }

  /// Does nothing if the node is already scheduled.
  mutating func insert(_ node: String, at now: Moment) {
    let phase = CallPhase(node: node, interval: interval)
    let turn = Turn(offset: phase.offset, node: node)
    let index = index(of: turn)
    if index < turns.count, turns[index].node == node { return }
    turns.insert(turn, at: index)
    let due = now + min(Self.firstCallsWithin, interval) * (Double(phase.offset) / Double(length))
    firstCalls.insert(FirstCall(due: due, node: node), at: firstCalls.partitioningIndex { $0.due > due })
  }

  mutating func remove(_ node: String) {
    let index = index(of: Turn(offset: CallPhase(node: node, interval: interval).offset, node: node))
    if index < turns.count, turns[index].node == node { turns.remove(at: index) }
    firstCalls.removeAll { $0.node == node }
  }

  /// The nodes that became due since the last call of this method, each once. Missed turns are not made up for.
  mutating func due(at now: Moment) -> [String] {
    guard now > lastCheck else { return [] }
    defer { lastCheck = now }
    let firstDue = firstCalls.prefix { $0.due <= now }.map(\.node)
    firstCalls.removeFirst(firstDue.count)
    if now - lastCheck >= interval { return nodes }
    let first = firstIndex(after: offset(of: lastCheck))
    let end = firstIndex(after: offset(of: now))
    // A new interval may have begun since the last check.
    let indices =
      first <= end && offset(of: lastCheck) <= offset(of: now) ? Array(first..<end) : Array(first..<turns.count) + Array(0..<end)
    // The set is almost always empty.
    let isFirst = Set(firstDue)
    return firstDue + indices.map { turns[$0].node }.filter { !isFirst.contains($0) }
  }

  /// The next turn after `now`; `nil` without nodes.
  func next(after now: Moment) -> Moment? {
    guard let earliest = turns.first else { return nil }
    let elapsed = offset(of: now)
    let index = firstIndex(after: elapsed)
    let offset = index < turns.count ? turns[index].offset : earliest.offset + length
    let next = Moment(milliseconds: now.milliseconds - elapsed + offset)
    return firstCalls.first.map { min($0.due, next) } ?? next
  }

  /// Milliseconds into the interval.
  private func offset(of moment: Moment) -> Int64 {
    let rest = moment.milliseconds % length
    return rest < 0 ? rest + length : rest
  }

  private func firstIndex(after offset: Int64) -> Int { turns.partitioningIndex { $0.offset > offset } }

  private func index(of turn: Turn) -> Int {
    turns.partitioningIndex { ($0.offset, $0.node) >= (turn.offset, turn.node) }
  }
}

/// The offset into each interval at which a node is called. It is a hash of the node's name, which spreads calls over the interval and
/// keeps their times across restarts.
struct CallPhase {
  /// Milliseconds into the interval.
  let offset: Int64

  init(node: String, interval: Duration) {
    // The lowest bits of FNV-1a differ little between names that differ in the last letter, so the upper half is folded in.
    let hash = fnv1a(node.utf8)
    offset = Int64((hash ^ hash >> 32) % UInt64(max(interval.wholeMilliseconds, 1)))
  }
}

/// Calls that are due, wait for a slot, or are in progress.
struct CallQueue {
  var schedule: CallSchedule
  private(set) var underWay: Set<String> = []
  /// Due nodes without a slot, oldest first.
  private var waiting: [String] = []
  private var isWaiting: Set<String> = []
  /// The most calls in progress at a time since the start or the last burst.
  private var mostUnderWay = 0
  private let pace: NodeTaskManager.Pace

  /// A burst has at least this many calls in progress at a time.
  private static let burst = 128

  init(pace: NodeTaskManager.Pace, from now: Moment) {
    self.pace = pace
    schedule = CallSchedule(interval: pace.interval, from: now)
  }

  /// Assigns free slots to due nodes and queues the rest. A node that is already in progress or queued misses its turn.
  /// - Returns: the nodes to call now.
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
    mostUnderWay = max(mostUnderWay, underWay.count)
    return starting
  }

  /// Frees the slot of a finished call.
  /// - Returns: the node that has waited longest; it takes the slot and must be called now.
  mutating func finished(_ node: String) -> String? {
    underWay.remove(node)
    guard !waiting.isEmpty else { return nil }
    let next = waiting.removeFirst()
    isWaiting.remove(next)
    underWay.insert(next)
    return next
  }

  /// Whether a burst of calls has ended: an eighth of them, or fewer, are still in progress. True once for each burst.
  mutating func hasEndedBurst() -> Bool {
    guard mostUnderWay >= Self.burst, underWay.count <= mostUnderWay / 8 else { return false }
    mostUnderWay = underWay.count
    return true
  }

  mutating func clear(at now: Moment) {
    self = CallQueue(pace: pace, from: now)
  }
}
