/// The objects that a watch begins with, while they come in.
///
/// They come as ADDED events; but the API server may report changes of them before it marks their end.
struct InitialEvents<Value: Record> {
  /// Of two records of one object the later one counts.
  private var received: [Value] = []
  /// How many records had been received when an object was last removed: those of it among them no longer count.
  private var removals: [ObjectKey: Int] = [:]

  mutating func append(_ changes: [RecordChange<Value>]) {
    for change in changes {
      switch change {
      case .put(let record): received.append(record)
      case .remove(let key): removals[key] = received.count
      }
    }
  }

  /// What there is; of an object that changed, also its older records, before the newest.
  var records: [Value] {
    guard !removals.isEmpty else { return received }
    return received.enumerated().filter { index, record in index >= removals[record.key] ?? 0 }.map(\.element)
  }
}
