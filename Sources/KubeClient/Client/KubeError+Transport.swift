internal import HTTPTransport

extension KubeError {
  init(_ error: HTTPTransportError, trying what: String) {
    self = .transport(TransportFailure(kind: .other, message: "\(what): \(error)"))
  }
}
