internal import HTTPTransport

/// Performs what the state machine asks of the API server, and says what came of it.
///
/// Whatever comes is given as it is in the store already where it is equal, object by object, so that a relist never has the old and the new
/// records in memory.
struct WatchConnection<Value: Record> {
  typealias Fact = WatchStateMachine<Value>.Fact

  let store: Store<Value>
  let client: KubeClient
  let resource: APIResource
  let selection: Selection
  let decoder: RecordDecoder<Value>
  let policy: WatchPolicy
  let time: ElapsedTime
  /// `nil` where no file takes part in the connection.
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

  /// Fetches a page, or the whole list, and reads it as it comes.
  mutating func list(continue token: String?, limit: Int?) async -> Fact {
    close()
    let request = APIRequest.list(resource, selection, limit: limit, continue: token, accept: decoder.accept)
    do {
      let answer = try await client.open(request, limits: limit == nil ? .wholeList : .page)
      var reader = ListReader(
        decoder, contentType: answer.header("Content-Type") ?? "", limit: policy.maximumEventBytes, known: store.snapshot())
      for try await piece in answer.body { try reader.append(piece) }
      return .pageReceived(try reader.finish())
    } catch let error as HTTPTransportError {
      return .failed(WatchFailure(KubeError(error)))
    } catch let error as KubeError {
      return .failed(WatchFailure(error))
    } catch {
      return .failed(.unreadable("\(error)"))
    }
  }

  mutating func watch(from version: String, timeoutSeconds: Int) async -> Fact {
    close()
    let request = APIRequest.watch(resource, selection, from: version, timeoutSeconds: timeoutSeconds, accept: decoder.accept)
    return opened(await open(request, timeoutSeconds: timeoutSeconds))
  }

  /// Opens a watch that begins with what is there.
  mutating func watchInitially(timeoutSeconds: Int, within limit: Duration) async -> Fact {
    close()
    let request = APIRequest.watchInitially(resource, selection, timeoutSeconds: timeoutSeconds, accept: decoder.accept)
    let this = self
    let result = await time.limit(limit) { await this.open(request, timeoutSeconds: timeoutSeconds, hasInitialEvents: true) }
    return result.map { opened($0) } ?? .stalled
  }

  /// Reads on in the open stream; where nothing comes for longer than `limit`, the stream is gone.
  mutating func read(within limit: Duration?) async -> Fact {
    guard let limit else { return await read() }
    guard let open = stream.take() else { return .streamEnded }
    let time = time
    let outcome = await time.whileMoving(pausingAtMost: limit) { progress in
      var open = open
      let start = time.now()
      let fact = await open.gathered {
        let now = time.now()
        progress.made(at: now)
        return now - start < .seconds(1)
      }
      return (fact: fact, stream: open)
    }
    guard let outcome else { return .stalled }
    stream = outcome.stream
    return outcome.fact
  }

  /// Reads on in a stream that may be ended for a new connection at any time.
  private mutating func read() async -> Fact {
    guard let source = stream?.source else { return .streamEnded }
    renewal?.follow(source)
    let fact = await stream?.next() ?? .streamEnded
    if case .failed = fact, renewal?.hasEnded == true { return .outdated }
    return fact
  }

  private func open(
    _ request: APIRequest, timeoutSeconds: Int, hasInitialEvents: Bool = false
  ) async -> Result<WatchStream<Value>, KubeError> {
    // A watch has no end of its own in bytes; each event has (R12). Its time is what we asked for and a little (R17).
    let limits = RequestLimits(
      deadline: .seconds(timeoutSeconds) + policy.watchGrace, maximumBodyBytes: .max, receiveBufferBytes: RequestLimits.longBodyBuffer,
      readsInBatches: true)
    renewal?.opening()
    do throws(KubeError) {
      let stream = try await client.open(request, limits: limits)
      return .success(try WatchStream(stream, decoder: decoder, policy: policy, store: store, hasInitialEvents: hasInitialEvents))
    } catch {
      return .failure(error)
    }
  }

  private mutating func opened(_ result: Result<WatchStream<Value>, KubeError>) -> Fact {
    switch result {
    case .success(let open):
      stream = open
      return .watchOpened
    case .failure(let error): return .failed(WatchFailure(error))
    }
  }

  /// Asks for one object that is not older than a version: a server that is behind it says so.
  mutating func check(_ version: String) async -> Fact {
    close()
    do throws(KubeError) {
      _ = try await client.send(.one(of: resource, selection, notOlderThan: version, accept: decoder.accept), limits: .page)
      return .versionReached
    } catch {
      return .failed(WatchFailure(error))
    }
  }

  /// Lets go of the stream, which ends its transfer.
  mutating func close() {
    stream = nil
    renewal?.closed()
  }
}
