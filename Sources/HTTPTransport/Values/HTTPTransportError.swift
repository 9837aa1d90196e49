/// Why a request failed, named after what was being done. The description says what was tried, on which URL, and what happened.
package enum HTTPTransportError: Error, Sendable, Hashable {
  /// What was asked for, and what libcurl or the system said.
  package struct Detail: Sendable, Hashable {
    /// Method and URL, without user information and without the values in the query.
    package var request: String
    package var reason: String
  }

  /// What a transfer was waiting for when its time was up.
  package enum Phase: String, Sendable, Hashable {
    /// A free slot among the transfers in flight.
    case queue
    /// The name look-up, TCP or TLS.
    case connect
    /// The answer's status and headers.
    case head
    case body
    /// Any byte at all for the request's `idleTimeout`.
    case idle
  }

  /// The request itself is wrong: a URL, header or option that is refused before anything is sent.
  case badRequest(Detail)
  /// The host's, or the proxy's, name has no address.
  case resolve(Detail)
  /// Nobody could be reached at any address.
  case connect(Detail)
  /// The host's addresses are ones that the request's address policy forbids.
  case refusedAddress(String, Detail)
  /// The handshake failed: an untrusted certificate, a wrong name, a certificate or key of ours that cannot be used or is not accepted.
  case tls(Detail)
  case timeout(Phase, Detail)
  /// The body, decompressed, or the head exceeds the limit in bytes.
  case tooLarge(limit: Int, Detail)
  /// The connection broke before the answer was complete.
  case cut(Detail)
  /// What the peer sent is not HTTP, or not what it says it is (a broken encoding, for example).
  case malformed(Detail)
  /// The task was cancelled; the transfer is gone.
  case cancelled(Detail)
  /// The transport was shut down.
  case shutDown(Detail)
  /// The transport could not be set up (out of descriptors or threads, for example), or libcurl lacks what it needs.
  case setUp(String)
}

extension HTTPTransportError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .badRequest(let detail): "\(detail.request): refused before sending: \(detail.reason)"
    case .resolve(let detail): "\(detail.request): no address for the host: \(detail.reason)"
    case .connect(let detail): "\(detail.request): cannot connect: \(detail.reason)"
    case .refusedAddress(let address, let detail): "\(detail.request): the host's address \(address) is refused: \(detail.reason)"
    case .tls(let detail): "\(detail.request): TLS failed: \(detail.reason)"
    case .timeout(let phase, let detail): "\(detail.request): timed out (\(phase.rawValue)): \(detail.reason)"
    case .tooLarge(let limit, let detail): "\(detail.request): the answer is larger than \(limit) bytes: \(detail.reason)"
    case .cut(let detail): "\(detail.request): the connection broke: \(detail.reason)"
    case .malformed(let detail): "\(detail.request): the answer is malformed: \(detail.reason)"
    case .cancelled(let detail): "\(detail.request): cancelled: \(detail.reason)"
    case .shutDown(let detail): "\(detail.request): the transport is shut down: \(detail.reason)"
    case .setUp(let reason): "cannot set up the HTTP transport: \(reason)"
    }
  }
}
