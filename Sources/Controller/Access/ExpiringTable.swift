internal import Roll

/// Values that are fresh for a time, then known for a time, then gone. Holds a limited number: a new value displaces the oldest one. Pure:
/// takes the time as an argument.
struct ExpiringTable<Key: Hashable & Sendable, Value: Sendable>: Sendable {
  enum Entry {
    case fresh(Value)
    /// The value must be asked for again.
    case stale
  }

  private struct Stored {
    var value: Value
    var since: Moment
    /// Tells apart the values that a key has had.
    var number: UInt64
  }

  private let capacity: Int
  private let freshFor: Duration
  private let knownFor: Duration
  private var stored: [Key: Stored] = [:]
  /// The keys with the time and the number of their value, oldest first. A key whose value was replaced since is in here more than once.
  private var order: [(key: Key, since: Moment, number: UInt64)] = []
  private var insertions: UInt64 = 0
  /// The elements of `order` before this index are done with.
  private var first = 0

  /// - Parameter knownFor: includes the time for which a value is fresh.
  init(capacity: Int, freshFor: Duration, knownFor: Duration) {
    self.capacity = capacity
    self.freshFor = freshFor
    self.knownFor = max(freshFor, knownFor)
  }

  var count: Int { stored.count }

  subscript(key: Key, at now: Moment) -> Entry? {
    guard let entry = stored[key], now - entry.since < knownFor else { return nil }
    return now - entry.since < freshFor ? .fresh(entry.value) : .stale
  }

  mutating func insert(_ value: Value, for key: Key, at now: Moment) {
    insertions += 1
    stored[key] = Stored(value: value, since: now, number: insertions)
    order.append((key, now, insertions))
    while first < order.count, stored.count > capacity || now - order[first].since >= knownFor { dropFirst() }
    // Entries of replaced values may be as many as the values.
    while order.count - first > capacity * 2 { dropFirst() }
    guard first > capacity else { return }
    order.removeFirst(first)
    first = 0
  }

  mutating func remove(_ key: Key) {
    stored[key] = nil
  }

  private mutating func dropFirst() {
    let oldest = order[first]
    first += 1
    if stored[oldest.key]?.number == oldest.number { stored[oldest.key] = nil }
  }
}
