/// Performs what the state machine asks of the API server, and says what came of it.
struct WatchConnection<Value: Record> {
  typealias Fact = WatchStateMachine<Value>.Fact

  let client: KubeClient
  let resource: APIResource
  let selection: Selection
  let decoder: RecordDecoder<Value>
  let policy: WatchPolicy
  private var stream: WatchStream<Value>?

  init(client: KubeClient, resource: APIResource, selection: Selection, decoder: RecordDecoder<Value>, policy: WatchPolicy) {
    self.client = client
    self.resource = resource
    self.selection = selection
    self.decoder = decoder
    self.policy = policy
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
    // A watch has no end of its own in bytes; each event has (R12). Its time is what we asked for and a little (R17).
    let limits = RequestLimits(deadline: .seconds(timeoutSeconds) + policy.watchGrace, maximumBodyBytes: .max)
    do {
      stream = try WatchStream(try await client.open(request, limits: limits), decoder: decoder, policy: policy)
      return .watchOpened
    } catch {
      return .failed(WatchProblem(error))
    }
  }

  mutating func read() async -> Fact {
    await stream?.next() ?? .streamEnded
  }

  /// Lets go of the stream, which ends its transfer.
  mutating func close() { stream = nil }
}
