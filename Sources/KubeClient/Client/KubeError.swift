internal import HTTPTransport

/// Why a request to the API server did not give what it should.
public enum KubeError: Error, Sendable, CustomStringConvertible {
  /// The configuration does not make a client: no certificate there, an unusable URL.
  case configuration(String)
  /// The credentials could not be had: no token file, an exec plugin that failed. Nothing was sent.
  case credentials(String)
  /// The caller's object does not make a request, as one without a name. Nothing was sent.
  case request(String)
  /// No whole answer arrived: whether the server acted on the request is unknown.
  case transport(TransportFailure)
  /// The server answered that it will not.
  case status(APIStatus)
  /// The answer cannot be read; the text says which and why.
  case decode(String)
  /// The calling task was cancelled.
  case cancelled

  /// The server's status, where there was one.
  public var status: APIStatus? {
    guard case .status(let status) = self else { return nil }
    return status
  }

  public var description: String {
    switch self {
    case .configuration(let text): "configuration: \(text)"
    case .credentials(let text): "credentials: \(text)"
    case .request(let text): "request: \(text)"
    case .transport(let failure): failure.description
    case .status(let status): "API server: \(status)"
    case .decode(let text): "answer not readable: \(text)"
    case .cancelled: "cancelled"
    }
  }
}

/// Why an exchange with the API server broke off.
public struct TransportFailure: Hashable, Sendable, CustomStringConvertible {
  /// The ways to break that callers may want to tell apart.
  public enum Kind: String, Sendable {
    /// No connection: the name does not resolve, the address refuses or does not answer.
    case unreachable
    /// No agreement on TLS: an unknown authority, another name, a refused client certificate.
    case tls
    /// A deadline passed.
    case timeout
    /// The connection was lost in the middle.
    case cut
    /// More bytes than the limit allows.
    case tooLarge
    /// Anything else, such as a client that was shut down.
    case other
  }
  /// What broke.
  public var kind: Kind
  /// What was tried and what happened, for people. Holds no credential.
  public var message: String

  public init(kind: Kind, message: String) {
    self.kind = kind
    self.message = message
  }

  public var description: String { message }
}

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
