internal import HTTPTransport

/// Decodes the open stream of a watch.
struct WatchStream<Value: Record> {
  typealias ReadResult = WatchStateMachine<Value>.ReadResult

  let source: HTTPStream
  private let decoder: RecordDecoder<Value>
  private let format: WireFormat
  private var pieces: HTTPBody.Iterator
  private var framing: WatchFraming
  /// The failure that ended the stream; returned after the events before it.
  private var ending: WatchFailure?
  /// Equal records are taken from this store.
  private let store: Store<Value>
  /// Until the bookmark that ends them.
  private var hasInitialEvents: Bool

  /// - Throws: `KubeError.decode` for an unsupported content type.
  init(
    _ stream: HTTPStream, decoder: RecordDecoder<Value>, policy: WatchPolicy, store: Store<Value>, hasInitialEvents: Bool
  ) throws(KubeError) {
    do {
      format = try WireFormat(contentType: stream.header("Content-Type") ?? "")
    } catch {
      throw .decode("\(error)")
    }
    source = stream
    self.decoder = decoder
    self.store = store
    self.hasInitialEvents = hasInitialEvents
    pieces = stream.body.makeAsyncIterator()
    framing = WatchFraming(format, limit: policy.maximumEventBytes)
  }

  /// Returns the events of the next piece that has any; at the end of the stream, why it ended.
  mutating func next() async -> ReadResult {
    if let ending { return .failed(ending) }
    // The bookmark after the initial events ends a batch, so the last piece may have more.
    if let result = batch() { return result }
    while true {
      do {
        framing.discardConsumed()
        guard try await pieces.append(to: &framing.buffer) else { return .streamEnded }
      } catch {
        return ended(by: error)
      }
      if let result = batch() { return result }
    }
  }

  /// As `next()`, but returns about a thousand initial events at once.
  /// - Parameter canContinue: called after each piece of initial events; false returns the batch.
  mutating func nextBatch(_ canContinue: () -> Bool) async -> ReadResult {
    var gathered: [RecordChange<Value>] = []
    while true {
      let result = await next()
      switch result {
      case .changes(let changes, let version):
        gathered += changes
        guard hasInitialEvents, canContinue(), gathered.count < 1000 else { return .changes(gathered, resourceVersion: version) }
      case .initialEventsEnd(let changes, let version):
        return .initialEventsEnd(gathered + changes, resourceVersion: version)
      default: return result
      }
    }
  }

  /// A lost connection counts as the end of the stream; other errors are failures.
  private func ended(by error: HTTPTransportError) -> ReadResult {
    if case .cut = error { return .streamEnded }
    return .failed(WatchFailure(KubeError(error)))
  }

  @specialized(where Value == PodRecord)
  private mutating func batch() -> ReadResult? {
    // Released on return: applying the changes would otherwise copy every chunk that they touch.
    let known = store.snapshot()
    var changes: [RecordChange<Value>] = []
    // Only the last version matters, and making its text is expensive.
    var last: Value?
    var version = ""
    do {
      while let frame = try framing.next() {
        switch try decoder.event(frame, of: framing.buffer, format: format, known: known) {
        case .put(let record):
          changes.append(.put(record))
          last = record
        case .remove(let key, let removedAt):
          changes.append(.remove(key))
          (last, version) = (nil, removedAt)
        case .bookmark(let bookmark, let endsInitialEvents):
          (last, version) = (nil, bookmark)
          if endsInitialEvents {
            hasInitialEvents = false
            return .initialEventsEnd(changes, resourceVersion: version)
          }
        case .error(let status):
          ending = .status(status)
          return result(changes, last?.resourceVersion ?? version) ?? .failed(.status(status))
        }
      }
    } catch {
      let problem = WatchFailure.unreadable("watch event: \(error)")
      ending = problem
      return result(changes, last?.resourceVersion ?? version) ?? .failed(problem)
    }
    return result(changes, last?.resourceVersion ?? version)
  }

  /// `nil` if there are neither changes nor a version.
  private func result(_ changes: [RecordChange<Value>], _ version: String) -> ReadResult? {
    changes.isEmpty && version.isEmpty ? nil : .changes(changes, resourceVersion: version)
  }
}
