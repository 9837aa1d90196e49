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
