/// Why the controller cannot run, in words that say what to do.
package enum ControllerError: Error, Hashable, Sendable, CustomStringConvertible {
  /// No cluster configuration, or no usable one.
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
}

extension ControllerError {
  /// Nothing can be done about it but to change what was configured.
  package var isConfiguration: Bool {
    if case .configuration = self { true } else { false }
  }
}
