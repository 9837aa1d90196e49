/// One watch, written by `run`.
struct WatchSession: Sendable {
  var cluster: Cluster
  var selector: Selector
  var encoder: ObjectEncoder
  var start: WatchStart
  var timeout: Duration
  /// `nil` without `allowWatchBookmarks`.
  var bookmarkInterval: Duration?
  var marksEndOfInitialEvents: Bool

  /// A last bookmark is sent this long before the timeout, so that the next watch has few changes to replay.
  ///
  /// Source: `nextBookmarkTime` in k8s.io/apiserver/pkg/storage/cacher/cache_watcher.go.
  private static let lastBookmarkLead: Duration = .seconds(2)

  /// The number of changes read from the log at once, which bounds the time that the store is locked.
  private static let batch = 200

  var contentType: String {
    encoder.form.encoding == .json ? MediaType.json : "\(MediaType.protobuf);stream=watch"
  }

  /// Returns at the timeout, when watches are dropped, or after an ERROR event; throws the error of `write` or `CancellationError`.
  func run(write: ([UInt8]) async throws -> Void) async throws {
    let (id, signals, signal) = cluster.signals()
    defer { cluster.endSignals(id) }
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        try await Task.sleep(for: timeout)
        signal.finish()
      }
      if let bookmarkInterval {
        // These only wake the loop in `follow`, which sends a bookmark if one is due.
        group.addTask {
          while true {
            try await Task.sleep(for: bookmarkInterval)
            signal.yield()
          }
        }
        group.addTask {
          try await Task.sleep(for: max(.zero, timeout - Self.lastBookmarkLead))
          signal.yield()
        }
      }
      defer { group.cancelAll() }
      try await follow(signals, write: write)
    }
  }

  private func follow(_ signals: AsyncStream<Void>, write: ([UInt8]) async throws -> Void) async throws {
    var hasWritten = false
    var piece: [UInt8] = []
    for object in start.initial {
      piece += try encoder.event("ADDED", object, isFirst: !hasWritten)
      hasWritten = true
      if piece.count >= ObjectEncoder.pieceSize {
        try await write(piece)
        piece.removeAll(keepingCapacity: true)
      }
    }
    if marksEndOfInitialEvents { piece += encoder.bookmark(version: start.version, endsInitialEvents: true) }
    // Writing even nothing sends the head of the response, so that the client knows at once that the watch is open.
    try await write(piece)

    let clock = ContinuousClock()
    var nextBookmark = bookmarkInterval.map { clock.now + min($0, max(.zero, timeout - Self.lastBookmarkLead)) }
    let end = clock.now + timeout
    var version = start.version
    var signals = signals.makeAsyncIterator()
    repeat {
      do {
        while true {
          let (events, reached) = try cluster.read { (store) throws(APIFailure) in
            try store.changes(encoder.kind.storage, selector: selector, after: version, limit: Self.batch)
          }
          var piece: [UInt8] = []
          for event in events {
            piece += try encoder.event(event.kind.rawValue, event.object, isFirst: !hasWritten)
            hasWritten = true
          }
          if !piece.isEmpty { try await write(piece) }
          if reached == version { break }
          version = reached
        }
        // Its definition was removed, and it has seen its objects deleted.
        if try !cluster.read({ $0.isDefined(encoder.kind.storage) }) { return }
      } catch let failure as APIFailure {
        return try await write(encoder.failure(failure))
      }
      if let bookmarkInterval, let due = nextBookmark, clock.now >= due {
        let last = end - Self.lastBookmarkLead
        nextBookmark = due < last ? min(clock.now + bookmarkInterval, max(clock.now, last)) : clock.now + bookmarkInterval
        try await write(encoder.bookmark(version: version, endsInitialEvents: false))
      }
    } while await signals.next() != nil && !Task.isCancelled
    try Task.checkCancellation()
  }
}
