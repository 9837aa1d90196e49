internal import HTTPTransport

/// The controller cannot run. Messages say what to do about it.
package enum ControllerError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The configuration is missing or unusable.
  case configuration(String)
  /// The HTTP client cannot be created.
  case transport(String)
  /// The server cannot listen.
  case cannotListen(address: String, reason: String)
  /// The server has stopped.
  case stopped

  package var description: String {
    switch self {
    case .configuration(let message): message
    case .transport(let message): "cannot create an HTTP client: \(message)"
    case .cannotListen(let address, let reason):
      "cannot listen on \(address): \(reason); is another controller running, or is the address not local? Choose another with --listen"
    case .stopped: "the server has stopped"
    }
  }

  /// Whether the configuration must be changed.
  package var isConfiguration: Bool {
    if case .configuration = self { true } else { false }
  }
}

extension HTTPTransport {
  /// Creates a transport; `nil` leaves a limit at its default.
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
