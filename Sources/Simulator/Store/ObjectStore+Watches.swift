import JSON

/// One event of a watch, before it is encoded.
struct WatchEvent: Sendable {
  enum Kind: String, Sendable { case added = "ADDED", modified = "MODIFIED", deleted = "DELETED" }

  var kind: Kind
  var object: StoredObject
}

/// The start of a watch.
struct WatchStart: Sendable {
  /// The objects of the initial ADDED events.
  var initial: [StoredObject] = []
  /// The version after which changes are sent.
  var version: UInt64
}

extension ObjectStore {
  /// - Parameter sendsInitialEvents: the parameter `sendInitialEvents`; `nil` if it is absent.
  /// - Throws: `APIFailure` 400, or 504 for initial events at a future version.
  mutating func startWatch(
    _ kind: ResourceKind, selector: Selector, from resourceVersion: String, sendsInitialEvents: Bool?
  ) throws(APIFailure) -> WatchStart {
    let wanted = resourceVersion.isEmpty ? 0 : try parsedVersion(resourceVersion)
    if sendsInitialEvents ?? (wanted == 0) {
      if wanted > version { throw .tooLargeResourceVersion(wanted, current: version) }
      let prefix = kind.isNamespaced && !selector.namespace.isEmpty ? selector.namespace + "/" : ""
      let present = withCollection(kind) { $0.ordered(prefix: prefix, after: nil) }
      return WatchStart(initial: present.filter { selector.matches($0) }, version: version)
    }
    return WatchStart(version: wanted == 0 ? version : wanted)
  }

  /// The next changes after the version, from at most `limit` entries of the log, and the version that they reach.
  /// - Throws: `APIFailure` 410 if the log no longer has all changes since the version.
  mutating func changes(
    _ kind: ResourceKind, selector: Selector, after version: UInt64, limit: Int
  ) throws(APIFailure) -> (events: [WatchEvent], version: UInt64) {
    let (batch, compacted) = withCollection(kind) { collection in
      let first = collection.log.firstIndex(after: version)
      return ((first..<min(first + limit, collection.log.count)).map { collection.log[$0] }, collection.log.compactedVersion)
    }
    if version < compacted { throw .expired("too old resource version: \(version) (\(compacted))") }
    var events: [WatchEvent] = []
    for change in batch {
      if let event = try event(for: change, kind: kind, selector: selector) { events.append(event) }
    }
    // A full batch reaches its last change; a partial one is the end of the log and reaches the newest version.
    return (events, batch.count < limit ? max(version, self.version) : batch[batch.count - 1].version)
  }

  /// The event for a watch with this selector: an object that starts to match is ADDED, one that no longer matches is DELETED.
  private func event(for change: StoreEvent, kind: ResourceKind, selector: Selector) throws(APIFailure) -> WatchEvent? {
    let didMatch = change.previous.map { selector.matches($0) } ?? false
    let matches = change.change != .deleted && selector.matches(change.object)
    switch (didMatch, matches) {
    case (false, true): return WatchEvent(kind: .added, object: change.object)
    case (true, true): return WatchEvent(kind: .modified, object: change.object)
    case (true, false):
      if change.change == .deleted { return WatchEvent(kind: .deleted, object: change.object) }
      guard let previous = change.previous else { return nil }
      return WatchEvent(kind: .deleted, object: StoredObject(try previous.decoded(as: kind), kind: kind, version: change.version))
    case (false, false): return nil
    }
  }
}
