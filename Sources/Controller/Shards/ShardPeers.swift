internal import HTTPTransport
internal import Primitives

/// The replicas that lead the shards, asked over the network.
struct ShardPeers: Sendable {
  /// The header of a replica's own requests: it wants the part of the shard that it asks, not that of all shards.
  static let header = "Rollcall-Shard"
  /// How long a replica may take to begin its answer.
  private static let patience: Duration = .seconds(10)

  let shard: NodeShard
  let transport: HTTPTransport
  /// The scheme and port at which every replica serves.
  let scheme: String
  let port: Int
  /// The address of a shard's leader; `nil` if unknown.
  let address: @Sendable (_ shard: Int) -> String?
  /// How to verify a replica's certificate; `nil` while our authority is unknown.
  let tls: @Sendable () -> TLSOptions?
  /// The bearer token that says who asks; `nil` if we have none.
  let token: @Sendable () async throws -> String?

  /// Asks the leader of a shard.
  /// - Parameters:
  ///   - target: path and query.
  ///   - deadline: for the whole answer.
  /// - Returns: an answer of any status.
  func open(
    _ target: String, ofShard index: Int, headers: [HTTPHeader] = [], within deadline: Duration
  ) async throws(ShardProblem) -> HTTPStream {
    guard let address = address(index) else { throw ShardProblem(shard: index, reason: "no replica is known to lead it") }
    let host = IPAddress(address)?.v6 == nil ? address : "[\(address)]"
    var request = HTTPRequest(url: "\(scheme)://\(host):\(port)\(target)", deadline: deadline)
    request.headers = headers + [HTTPHeader(Self.header, "\(index)")]
    request.idleTimeout = Self.patience
    request.maximumBodyBytes = .max
    do {
      if scheme == "https" {
        guard let tls = tls() else { throw ShardProblem(shard: index, reason: "the certificate of our authority is not known yet") }
        request.tls = tls
        // Only over TLS, where nobody else reads it.
        if let token = try await token() { request.headers.append(HTTPHeader("Authorization", "Bearer \(token)")) }
      }
      return try await transport.open(request)
    } catch let problem as ShardProblem {
      throw problem
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
