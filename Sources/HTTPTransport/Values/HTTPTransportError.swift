internal import Primitives

/// Why a request failed, named after the phase that failed. The description names the method, the URL and the cause.
package enum HTTPTransportError: Error, Sendable, Hashable {
  /// The request, and the message of libcurl or the system.
  package struct Detail: Sendable, Hashable {
    /// Method and URL, without user information and query values.
    package var request: String
    package var reason: String
  }

  /// What a transfer was waiting for when it timed out.
  package enum Phase: String, Sendable, Hashable {
    /// A free slot among the transfers in flight.
    case queue
    /// The name lookup or TCP.
    case connect
    /// The TLS handshake, or the proxy: the peer accepted the connection.
    case handshake
    /// The response's status and headers.
    case head
    case body
    /// Any byte at all, for the request's `idleTimeout`.
    case idle
  }

  /// The request is invalid: a URL, header or option was rejected before anything was sent.
  case badRequest(Detail)
  /// The name of the host or the proxy has no address.
  case resolve(Detail)
  /// No address accepted a connection.
  case connect(Detail)
  /// The request's address policy forbids the host's addresses.
  case refusedAddress(String, Detail)
  /// The handshake failed: the peer's certificate is untrusted or has the wrong name, or our certificate or key is unusable or was
  /// rejected.
  case tls(Detail)
  case timeout(Phase, Detail)
  /// The body, decompressed or as it is sent, or the head exceeds the limit in bytes.
  case tooLarge(limit: Int, Detail)
  /// The connection broke before the response was complete.
  case cut(Detail)
  /// The peer did not send valid HTTP, or not what its headers announced, such as broken gzip.
  case malformed(Detail)
  /// The task was cancelled, and the transfer aborted.
  case cancelled(Detail)
  /// The transport was shut down.
  case shutDown(Detail)
  /// The transport could not be set up: it ran out of descriptors or threads, for example, or libcurl lacks a feature.
  case setUp(String)
}

extension HTTPTransportError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .badRequest(let detail): "\(detail.request): invalid request: \(detail.reason)"
    case .resolve(let detail): "\(detail.request): cannot resolve the host: \(detail.reason)"
    case .connect(let detail): "\(detail.request): cannot connect: \(detail.reason)"
    case .refusedAddress(let address, let detail): "\(detail.request): the host's address \(address) is refused: \(detail.reason)"
    case .tls(let detail): "\(detail.request): TLS failed: \(detail.reason)"
    case .timeout(let phase, let detail): "\(detail.request): timed out (\(phase.rawValue)): \(detail.reason)"
    case .tooLarge(let limit, let detail): "\(detail.request): the response is larger than \(limit) bytes: \(detail.reason)"
    case .cut(let detail): "\(detail.request): the connection broke: \(detail.reason)"
    case .malformed(let detail): "\(detail.request): the response is malformed: \(detail.reason)"
    case .cancelled(let detail): "\(detail.request): cancelled: \(detail.reason)"
    case .shutDown(let detail): "\(detail.request): the transport is shut down: \(detail.reason)"
    case .setUp(let reason): "cannot set up the HTTP transport: \(reason)"
    }
  }
}

extension HTTPTransportError.Detail {
  /// A label for messages, without user information and query values, since both may be secret.
  init(method: String, url: String) {
    // The method has not been validated yet.
    request = "\(String(method.prefix(20).filter { $0.isLetter })) \(Self.withoutSecrets(url))"
    reason = ""
  }

  func because(_ reason: String) -> Self {
    var detail = self
    detail.reason = reason
    return detail
  }

  /// A URL without user information, query values and fragment.
  static func withoutSecrets(_ url: String) -> String {
    let printable = String(decoding: url.utf8.prefix(2000).filter { $0 > 0x20 && $0 < 0x7f }, as: UTF8.self)
    let withoutFragment = printable.prefix { $0 != "#" }
    let queryStart = withoutFragment.firstIndex(of: "?")
    let query = queryStart.map { withoutFragment[$0...].dropFirst() }
    let address = withoutUserInformation(String(withoutFragment[..<(queryStart ?? withoutFragment.endIndex)]))
    let names = query?.split(separator: "&", omittingEmptySubsequences: false).map { parameter in
      parameter.firstIndex(of: "=").map { "\(parameter[..<$0])=…" } ?? "…"
    }
    return address + (names.map { "?" + $0.joined(separator: "&") } ?? "")
  }
}
