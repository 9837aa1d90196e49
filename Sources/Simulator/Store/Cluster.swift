import Synchronization

/// The store behind a lock, with the signals that wake the watches after a write.
final class Cluster: Sendable {
  private let store: Mutex<ObjectStore>
  private let watches = Mutex(Watches())

  private struct Watches {
    var nextID = 0
    var signals: [Int: AsyncStream<Void>.Continuation] = [:]
  }

  init(store: sending ObjectStore) {
    self.store = Mutex(store)
  }

  /// Reads the store. It is `inout` because lists sort the keys on demand.
  func read<Result: Sendable>(_ body: (inout ObjectStore) throws(APIFailure) -> sending Result) throws(APIFailure) -> Result {
    try store.withLock { (store) throws(APIFailure) in try body(&store) }
  }

  /// Changes the store, then wakes the watches.
  func write<Result: Sendable>(_ body: (inout ObjectStore) throws(APIFailure) -> sending Result) throws(APIFailure) -> Result {
    let result = try store.withLock { (store) throws(APIFailure) in try body(&store) }
    wakeWatches()
    return result
  }

  var version: UInt64 { store.withLock { $0.version } }

  func compact() {
    store.withLock { $0.compact() }
    // Watches that are behind fail at once.
    wakeWatches()
  }

  /// A stream with an element after each write; a slow watch gets one element for several writes. It ends when watches are dropped.
  func signals() -> (id: Int, stream: AsyncStream<Void>, continuation: AsyncStream<Void>.Continuation) {
    let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    let id = watches.withLock { watches in
      watches.nextID += 1
      watches.signals[watches.nextID] = continuation
      return watches.nextID
    }
    return (id, stream, continuation)
  }

  func endSignals(_ id: Int) {
    watches.withLock { _ = $0.signals.removeValue(forKey: id) }
  }

  var watchCount: Int { watches.withLock { $0.signals.count } }

  /// Ends every open watch.
  func dropWatches() {
    let dropped = watches.withLock { watches in
      defer { watches.signals.removeAll() }
      return Array(watches.signals.values)
    }
    for signal in dropped { signal.finish() }
  }

  func wakeWatches() {
    for signal in watches.withLock({ Array($0.signals.values) }) { signal.yield() }
  }
}
