internal import HTTPTransport

/// Performs the state machine's requests to the API server.
///
/// Replaces each received record by the stored one if they are equal, so that a relist does not hold old and new records in memory.
struct WatchConnection<Value: Record> {
  typealias Machine = WatchStateMachine<Value>

  let store: Store<Value>
  let client: KubeClient
  let resource: APIResource
  let selection: Selection
  let decoder: RecordDecoder<Value>
  let policy: WatchPolicy
  let time: ElapsedTime
  /// `nil` if the connection uses no certificate files.
  let renewal: ConnectionRenewal?
  private var stream: WatchStream<Value>?

  init(
    store: Store<Value>, client: KubeClient, resource: APIResource, selection: Selection, decoder: RecordDecoder<Value>,
    policy: WatchPolicy, time: ElapsedTime
  ) {
    self.store = store
    self.client = client
    self.resource = resource
    self.selection = selection
    self.decoder = decoder
    self.policy = policy
    self.time = time
    renewal = ConnectionRenewal(client)
  }

  /// Fetches a page, or the whole list, and decodes it while it arrives.
  mutating func list(continue token: String?, limit: Int?) async -> Machine.ListResult {
    close()
    let request = APIRequest.list(resource, selection, limit: limit, continue: token, accept: decoder.accept)
    do {
      let response = try await client.open(request, limits: limit == nil ? .wholeList : .page)
      var reader = ListReader(
        decoder, contentType: response.header("Content-Type") ?? "", limit: policy.maximumEventBytes, known: store.snapshot())
      for try await piece in response.body { try reader.append(piece) }
      return .page(try reader.finish())
    } catch let error as HTTPTransportError {
      return .failed(WatchFailure(KubeError(error)))
    } catch let error as KubeError {
      return .failed(WatchFailure(error))
    } catch {
      return .failed(.unreadable("\(error)"))
    }
  }

  mutating func watch(from version: String, timeoutSeconds: Int) async -> Machine.WatchResult {
    close()
    let request = APIRequest.watch(resource, selection, from: version, timeoutSeconds: timeoutSeconds, accept: decoder.accept)
    return opened(await open(request, timeoutSeconds: timeoutSeconds))
  }

  /// Opens a watch with initial events.
  mutating func watchInitially(timeoutSeconds: Int, within limit: Duration) async -> Machine.WatchResult {
    close()
    let request = APIRequest.watchInitially(resource, selection, timeoutSeconds: timeoutSeconds, accept: decoder.accept)
    let this = self
    let result = await time.withTimeout(limit) { await this.open(request, timeoutSeconds: timeoutSeconds, hasInitialEvents: true) }
    return result.map { opened($0) } ?? .stalled
  }

  /// Reads the open stream. If nothing arrives for `limit`, closes the stream.
  mutating func read(within limit: Duration?) async -> Machine.ReadResult {
    guard let limit else { return await read() }
    guard let open = stream.take() else { return .streamEnded }
    let time = time
    let outcome = await time.withIdleTimeout(limit) { progress in
      var open = open
      let start = time.now()
      let result = await open.nextBatch {
        let now = time.now()
        progress.report(at: now)
        return now - start < .seconds(1)
      }
      return (result: result, stream: open)
    }
    guard let outcome else { return .stalled }
    stream = outcome.stream
    return outcome.result
  }

  /// Reads a stream that may be ended at any time for a new connection.
  private mutating func read() async -> Machine.ReadResult {
    guard let source = stream?.source else { return .streamEnded }
    renewal?.streamOpened(source)
    let result = await stream?.next() ?? .streamEnded
    if case .failed = result, renewal?.hasEnded == true { return .filesChanged }
    return result
  }

  private func open(
    _ request: APIRequest, timeoutSeconds: Int, hasInitialEvents: Bool = false
  ) async -> Result<WatchStream<Value>, KubeError> {
    // The body is unlimited; each event is limited (R12). The deadline is the requested timeout and a grace time (R17).
    let limits = RequestLimits(
      deadline: .seconds(timeoutSeconds) + policy.watchGrace, maximumBodyBytes: .max, receiveBufferBytes: RequestLimits.longBodyBuffer,
      readsInBatches: true)
    renewal?.willOpen()
    do throws(KubeError) {
      let stream = try await client.open(request, limits: limits)
      return .success(try WatchStream(stream, decoder: decoder, policy: policy, store: store, hasInitialEvents: hasInitialEvents))
    } catch {
      return .failure(error)
    }
  }

  private mutating func opened(_ result: Result<WatchStream<Value>, KubeError>) -> Machine.WatchResult {
    switch result {
    case .success(let open):
      stream = open
      return .opened
    case .failure(let error): return .failed(WatchFailure(error))
    }
  }

  /// Lists one object at least as new as a version. A server that has not reached the version refuses.
  mutating func check(_ version: String) async -> Machine.CheckResult {
    close()
    do throws(KubeError) {
      _ = try await client.send(.one(of: resource, selection, notOlderThan: version, accept: decoder.accept), limits: .page)
      return .reached
    } catch {
      return .failed(WatchFailure(error))
    }
  }

  /// Releases the stream, which ends its transfer.
  mutating func close() {
    stream = nil
    renewal?.streamClosed()
  }
}
