internal import HTTPTransport

/// Why the controller cannot run, and what to do about it.
package enum ControllerError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The configuration is missing or unusable.
  case configuration(String)
  /// The HTTP client cannot be made.
  case transport(String)
  /// The listening socket.
  case cannotListen(address: String, reason: String)
  /// The server has ended.
  case stopped

  package var description: String {
    switch self {
    case .configuration(let message): message
    case .transport(let message): "cannot make an HTTP client: \(message)"
    case .cannotListen(let address, let reason):
      "cannot listen on \(address): \(reason); is another controller running, or is the address not this machine's? --listen names another"
    case .stopped: "the server has stopped"
    }
  }

  /// Whether only another configuration can help.
  package var isConfiguration: Bool {
    if case .configuration = self { true } else { false }
  }
}

extension HTTPTransport {
  /// A transport with these limits, or the library's where they are `nil`.
  static func make(maximumTransfers: Int? = nil, connectionCacheSize: Int? = nil) throws(ControllerError) -> HTTPTransport {
    var configuration = HTTPTransportConfiguration()
    if let maximumTransfers { configuration.maximumTransfers = maximumTransfers }
    if let connectionCacheSize { configuration.connectionCacheSize = connectionCacheSize }
    do {
      return try HTTPTransport(configuration: configuration)
    } catch {
      throw .transport("\(error)")
    }
  }
}
