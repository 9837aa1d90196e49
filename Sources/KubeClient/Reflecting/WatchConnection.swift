/// Performs what the state machine asks of the API server, and says what came of it.
struct WatchConnection<Value: Record> {
  typealias Fact = WatchStateMachine<Value>.Fact

  let client: KubeClient
  let resource: APIResource
  let selection: Selection
  let decoder: RecordDecoder<Value>
  let policy: WatchPolicy
  let time: LocalTime
  private var stream: WatchStream<Value>?

  init(
    client: KubeClient, resource: APIResource, selection: Selection, decoder: RecordDecoder<Value>, policy: WatchPolicy, time: LocalTime
  ) {
    self.client = client
    self.resource = resource
    self.selection = selection
    self.decoder = decoder
    self.policy = policy
    self.time = time
  }

  /// Fetches a page, and scans it from the buffer that it came in.
  mutating func list(continue token: String?, limit: Int?) async -> Fact {
    close()
    let request = APIRequest.list(resource, selection, limit: limit, continue: token, accept: decoder.accept)
    do {
      let response = try await client.send(request, limits: limit == nil ? .wholeList : .page)
      return .pageReceived(try decoder.page(response.body, contentType: response.contentType))
    } catch let error as KubeError {
      return .failed(WatchProblem(error))
    } catch {
      return .failed(.unreadable("list: \(error)"))
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
    guard let result = await time.limit(limit, { await this.open(request, timeoutSeconds: timeoutSeconds) }) else { return .stalled }
    return opened(result)
  }

  /// Reads on in the open stream; where that takes longer than `limit`, the stream is gone.
  mutating func read(within limit: Duration?) async -> Fact {
    guard let limit else { return await stream?.next() ?? .streamEnded }
    guard let open = stream.take() else { return .streamEnded }
    let outcome = await time.limit(limit) {
      var open = open
      let fact = await open.next()
      return (fact: fact, stream: open)
    }
    guard let outcome else { return .stalled }
    stream = outcome.stream
    return outcome.fact
  }

  private func open(_ request: APIRequest, timeoutSeconds: Int) async -> Result<WatchStream<Value>, KubeError> {
    // A watch has no end of its own in bytes; each event has (R12). Its time is what we asked for and a little (R17).
    let limits = RequestLimits(deadline: .seconds(timeoutSeconds) + policy.watchGrace, maximumBodyBytes: .max)
    do throws(KubeError) {
      return .success(try WatchStream(try await client.open(request, limits: limits), decoder: decoder, policy: policy))
    } catch {
      return .failure(error)
    }
  }

  private mutating func opened(_ result: Result<WatchStream<Value>, KubeError>) -> Fact {
    switch result {
    case .success(let open):
      stream = open
      return .watchOpened
    case .failure(let error): return .failed(WatchProblem(error))
    }
  }

  /// Asks for one object that is not older than a version: a server that is behind it says so.
  mutating func check(_ version: String) async -> Fact {
    close()
    do throws(KubeError) {
      _ = try await client.send(.one(of: resource, selection, notOlderThan: version, accept: decoder.accept), limits: .page)
      return .versionReached
    } catch {
      return .failed(WatchProblem(error))
    }
  }

  /// Lets go of the stream, which ends its transfer.
  mutating func close() { stream = nil }
}
