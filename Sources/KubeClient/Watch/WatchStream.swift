internal import HTTPTransport

/// The open stream of a watch: bytes in, facts out.
struct WatchStream<Value: Record> {
  typealias Fact = WatchStateMachine<Value>.Fact

  let source: HTTPStream
  private let decoder: RecordDecoder<Value>
  private let format: WireFormat
  private var pieces: HTTPBody.Iterator
  private var framing: WatchFraming
  /// What ended the stream after events that were handed out first.
  private var ending: WatchFailure?
  /// Whose records are taken as they are in memory, where what comes is equal.
  private let store: Store<Value>
  /// Until the mark at their end.
  private var hasInitialEvents: Bool

  /// - Parameter hasInitialEvents: whether the watch begins with what is there.
  /// - Throws: `KubeError.decode` where the answer is in no format that we read.
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

  /// The events of the next piece that has any, as one batch; then how the stream ended.
  mutating func next() async -> Fact {
    if let ending { return .failed(ending) }
    // The mark at the end of initial events ends a batch, so that more of the same piece may be left.
    if let fact = batch() { return fact }
    while true {
      do {
        framing.discardConsumed()
        guard try await pieces.append(to: &framing.buffer) else { return .streamEnded }
      } catch {
        return ended(by: error)
      }
      if let fact = batch() { return fact }
    }
  }

  /// As `next()`; but of initial events, of which there are many, about a thousand at once.
  /// - Parameter isPatient: called after each piece of them; false ends the gathering.
  mutating func gathered(_ isPatient: () -> Bool) async -> Fact {
    var gathered: [RecordChange<Value>] = []
    while true {
      let fact = await next()
      switch fact {
      case .changes(let changes, let version):
        gathered += changes
        guard hasInitialEvents, isPatient(), gathered.count < 1000 else { return .changes(gathered, resourceVersion: version) }
      case .initialEventsEnded(let changes, let version):
        return .initialEventsEnded(gathered + changes, resourceVersion: version)
      default: return fact
      }
    }
  }

  /// A connection that broke is the stream's end like any other; all else says something.
  private func ended(by error: HTTPTransportError) -> Fact {
    if case .cut = error { return .streamEnded }
    return .failed(WatchFailure(KubeError(error)))
  }

  @specialized(where Value == PodRecord)
  private mutating func batch() -> Fact? {
    // Let go before the changes are applied, which would have to copy what they change otherwise.
    let known = store.snapshot()
    var changes: [RecordChange<Value>] = []
    // Of all versions only the last one counts, and of a record it is made into text.
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
            return .initialEventsEnded(changes, resourceVersion: version)
          }
        case .error(let status):
          ending = .status(status)
          return fact(changes, last?.resourceVersion ?? version) ?? .failed(.status(status))
        }
      }
    } catch {
      let problem = WatchFailure.unreadable("watch event: \(error)")
      ending = problem
      return fact(changes, last?.resourceVersion ?? version) ?? .failed(problem)
    }
    return fact(changes, last?.resourceVersion ?? version)
  }

  /// `nil` where there is nothing to say.
  private func fact(_ changes: [RecordChange<Value>], _ version: String) -> Fact? {
    changes.isEmpty && version.isEmpty ? nil : .changes(changes, resourceVersion: version)
  }
}
