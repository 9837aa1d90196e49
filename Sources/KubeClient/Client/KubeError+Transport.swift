internal import HTTPTransport

extension KubeError {
  init(_ error: HTTPTransportError) {
    if case .cancelled = error {
      self = .cancelled
      return
    }
    let kind: TransportFailure.Kind =
      switch error {
      case .resolve, .connect, .refusedAddress: .unreachable
      case .tls: .tls
      case .timeout: .timeout
      case .cut: .cut
      case .tooLarge: .tooLarge
      case .badRequest, .malformed, .cancelled, .shutDown, .setUp: .other
      }
    self = .transport(TransportFailure(kind: kind, message: "\(error)"))
  }
}
