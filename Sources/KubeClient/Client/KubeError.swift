internal import HTTPTransport

/// Why a request to the API server failed.
public enum KubeError: Error, Sendable, CustomStringConvertible {
  /// The configuration is unusable, e.g. a missing certificate or a malformed URL.
  case configuration(String)
  /// No credentials, e.g. a missing token file or a failed exec plugin. Nothing was sent.
  case credentials(String)
  /// The caller's object does not make a valid request, e.g. it has no name. Nothing was sent.
  case request(String)
  /// No complete response arrived. The server may or may not have processed the request.
  case transport(TransportFailure)
  /// The server refused the request.
  case status(APIStatus)
  /// The response could not be decoded. The text says which response and why.
  case decode(String)
  /// The calling task was cancelled.
  case cancelled

  /// The server's status, for `KubeError.status`.
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
    case .decode(let text): "unreadable response: \(text)"
    case .cancelled: "cancelled"
    }
  }
}

/// Why an exchange with the API server failed.
public struct TransportFailure: Hashable, Sendable, CustomStringConvertible {
  /// The kinds of failures that callers may want to distinguish.
  public enum Kind: String, Sendable {
    /// The name does not resolve, or the address refuses connections or does not respond.
    case unreachable
    /// The TLS handshake failed: an unknown authority, a wrong name, or a refused client certificate.
    case tls
    /// A deadline expired.
    case timeout
    /// The connection was lost during the exchange.
    case cut
    /// The response exceeds the size limit.
    case tooLarge
    /// Any other failure, e.g. a client that was shut down.
    case other
  }
  public var kind: Kind
  /// What was tried and what happened, for people. Contains no credentials.
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
