internal import Collector
internal import HTTPTransport
internal import Primitives
internal import Roll

/// The replicas that lead the shards, asked over the network.
struct ShardPeers: Sendable {
  /// The header of a replica's own requests: it wants the part of the shard that it asks, not that of all shards.
  static let header = "Rollcall-Shard"
  /// How long a replica may send nothing.
  private static let patience: Duration = .seconds(10)

  let shard: NodeShard
  /// Whether this replica leads its shard.
  let isLeader: @Sendable () -> Bool
  /// For lists and sums.
  let transport: HTTPTransport
  /// For the metrics of nodes, which many clients ask for at the same time.
  let relayTransport: HTTPTransport
  /// How long a call of a node may take, unless the client says how long it waits.
  let callDeadline: Duration
  /// The scheme and port at which every replica serves.
  let scheme: String
  let port: Int
  /// The address of a shard's leader; `nil` if unknown.
  let address: @Sendable (_ shard: Int) -> String?
  /// How to verify a replica's certificate; `nil` while our authority is unknown.
  let tls: @Sendable () -> TLSOptions?
  /// The token of our service account, which says who asks; `nil` if the ports ask for none.
  let token: HeadersFile?

  /// Asks the leader of a shard for its part of a list or a sum.
  /// - Parameters:
  ///   - target: path and query.
  ///   - deadline: for the whole answer.
  /// - Returns: an answer of any status.
  func open(_ target: String, ofShard index: Int, within deadline: Duration) async throws(ShardProblem) -> HTTPStream {
    try await open(target, ofShard: index, through: transport, headers: [], patience: Self.patience, within: deadline)
  }

  /// As `open`, for a request of a client: the leader may first have to call a node.
  func relay(
    _ target: String, ofShard index: Int, headers: [HTTPHeader], within deadline: Duration
  ) async throws(ShardProblem) -> HTTPStream {
    let patience = patience(with: headers)
    return try await open(
      target, ofShard: index, through: relayTransport, headers: headers, patience: patience, within: max(deadline, patience))
  }

  /// How long a relayed request may wait: as long as its client, if that says how long.
  func patience(with headers: [HTTPHeader]) -> Duration {
    let timeout = headers.first { $0.name.lowercased() == Scrapers.timeoutHeader.lowercased() }.flatMap { Double($0.value) }
    let wanted: Duration? = timeout.flatMap { (0.001...3600).contains($0) ? .seconds($0) : nil }
    return max(wanted ?? callDeadline, Self.patience)
  }

  private func open(
    _ target: String, ofShard index: Int, through transport: HTTPTransport, headers: [HTTPHeader], patience: Duration,
    within deadline: Duration
  ) async throws(ShardProblem) -> HTTPStream {
    guard let address = address(index) else { throw ShardProblem(shard: index, reason: "no replica is known to lead it") }
    let host = IPAddress(address)?.v6 == nil ? address : "[\(address)]"
    var request = HTTPRequest(url: "\(scheme)://\(host):\(port)\(target)", deadline: deadline)
    request.headers = headers + [HTTPHeader(Self.header, "\(index)")]
    request.idleTimeout = patience
    request.maximumBodyBytes = .max
    do {
      if scheme == "https" {
        guard let tls = tls() else { throw ShardProblem(shard: index, reason: "the certificate of our authority is not known yet") }
        request.tls = tls
        // Only over TLS, where nobody else reads it.
        request.headers += try token?.headers() ?? []
      }
      return try await transport.open(request)
    } catch let problem as ShardProblem {
      throw problem
    } catch let miss as Miss {
      throw ShardProblem(shard: index, reason: miss.detail)
    } catch {
      throw ShardProblem(shard: index, reason: "\(error)")
    }
  }
}

/// Why the part of a shard is not in an answer.
struct ShardProblem: Error, Hashable, CustomStringConvertible {
  var shard: Int
  var reason: String

  var description: String { "shard \(shard): \(reason)" }
}
