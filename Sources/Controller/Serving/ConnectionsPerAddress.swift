internal import NIOCore
internal import Primitives
internal import Synchronization

/// How many connections the clients have, by address, so that no client takes all that the server accepts.
final class ConnectionCounts: Sendable {
  private let limit: Int
  private let counts = Mutex<[IPAddress: Int]>([:])

  init(limit: Int) {
    self.limit = limit
  }

  /// Counts a connection.
  /// - Returns: whether the client may have it; one that it may not have is not counted.
  func add(_ client: IPAddress) -> Bool {
    counts.withLock { counts in
      guard counts[client, default: 0] < limit else { return false }
      counts[client, default: 0] += 1
      return true
    }
  }

  func remove(_ client: IPAddress) {
    counts.withLock { counts in
      guard let count = counts[client] else { return }
      counts[client] = count > 1 ? count - 1 : nil
    }
  }

  /// The addresses with a connection.
  var clients: Int { counts.withLock(\.count) }
}

/// Closes a new connection whose client has too many. All addresses of an IPv6 network of 64 bits count as one client, since a host of such a
/// network can use any of them.
final class ConnectionsPerAddress: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = Any

  private let counts: ConnectionCounts
  private var counted: IPAddress?

  init(counts: ConnectionCounts) {
    self.counts = counts
  }

  func handlerAdded(context: ChannelHandlerContext) {
    guard let client = context.channel.remoteAddress?.ipAddress.flatMap(IPAddress.init).map(Self.client) else { return }
    if counts.add(client) { counted = client } else { context.close(promise: nil) }
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    if let counted { counts.remove(counted) }
    counted = nil
  }

  /// What counts as one client with the address.
  static func client(_ address: IPAddress) -> IPAddress {
    let address = address.unmapped
    return address.v6.map { IPAddress(v6: ($0.high, 0)) } ?? address
  }
}
