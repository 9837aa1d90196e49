import HTTPTransport

/// The error that the call throws, or nil if it succeeds.
func transportError<Value: Sendable>(_ call: () async throws -> Value) async -> HTTPTransportError? {
  do {
    _ = try await call()
    return nil
  } catch {
    return error as? HTTPTransportError
  }
}

extension HTTPTransportError {
  /// The case's name, with the phase of a timeout.
  var kind: String {
    switch self {
    case .badRequest: "badRequest"
    case .resolve: "resolve"
    case .connect: "connect"
    case .refusedAddress: "refusedAddress"
    case .tls: "tls"
    case .timeout(let phase, _): "timeout in \(phase.rawValue)"
    case .tooLarge: "tooLarge"
    case .cut: "cut"
    case .malformed: "malformed"
    case .cancelled: "cancelled"
    case .shutDown: "shutDown"
    case .setUp: "setUp"
    }
  }
}
