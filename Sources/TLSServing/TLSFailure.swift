internal import NIOSSL

/// Why TLS failed, in words. The descriptions of NIOSSL name source files of BoringSSL, with their paths on the machine that compiled them.
package enum TLSFailure: Hashable, Sendable {
  case noClientCertificate
  case untrustedClient
  /// The client rejected our certificate.
  case untrustedByClient
  case notTLS
  case closedByClient
  case tooSlow
  /// Anything else, in BoringSSL's words.
  case other(String)

  package init(_ error: any Error) {
    let stack: NIOBoringSSLErrorStack
    switch error as? BoringSSLError {
    case .sslError(let errors), .unknownError(let errors): stack = errors
    default:
      self = .other("\(error)")
      return
    }
    if stack.contains(.eofDuringHandshake) {
      self = .closedByClient
      return
    }
    let reasons = stack.compactMap(BoringSSLReason.init)
    // Source: openssl/ssl.h of BoringSSL. Reasons from 1000 on are alerts from the peer; RFC 8446, section 6, numbers them.
    for reason in reasons where reason.library == BoringSSLReason.ssl {
      switch reason.number {
      case 192: self = .noClientCertificate  // PEER_DID_NOT_RETURN_A_CERTIFICATE
      case 125: self = .untrustedClient  // CERTIFICATE_VERIFY_FAILED
      // bad_certificate to certificate_unknown, unknown_ca. With TLS 1.3, OpenSSL sends this alert in the clear where an encrypted record
      // is expected: BAD_PACKET_LENGTH, DECRYPTION_FAILED_OR_BAD_RECORD_MAC.
      case 1042...1046, 1048, 112, 139: self = .untrustedByClient
      case 155, 156, 247: self = .notTLS  // HTTP_REQUEST, HTTPS_PROXY_REQUEST, WRONG_VERSION_NUMBER
      default: continue
      }
      return
    }
    self = .other(reasons.isEmpty ? "unknown error" : reasons.map(\.text).joined(separator: ", "))
  }
}

extension TLSFailure: CustomStringConvertible {
  package var description: String {
    switch self {
    case .noClientCertificate: "the client has no certificate"
    case .untrustedClient: "the client's certificate is not valid for a client, has expired, or is not from an authority in ca.crt"
    case .untrustedByClient:
      "the client rejects this server's certificate: it is not from an authority that the client knows, or has expired"
    case .notTLS: "the client does not use TLS"
    case .closedByClient: "the client closed the connection during the handshake"
    case .tooSlow: "the client did not finish the handshake in time"
    case .other(let words): words
    }
  }
}

/// An error of BoringSSL. NIOSSL makes only its description public, which is made of `ERR_error_string_n`'s text:
/// `Error: CODE error:HEXADECIMAL CODE:LIBRARY:FUNCTION:REASON at FILE:LINE`.
private struct BoringSSLReason {
  /// The library number of TLS itself.
  static let ssl: UInt32 = 16

  let library: UInt32
  let number: UInt32
  /// The library and the reason, such as `X.509 certificate routines: key values mismatch`.
  let text: String

  init?(_ error: BoringSSLInternalError) {
    let words = error.description.split(separator: " ", maxSplits: 2)
    guard words.count == 3, let code = UInt32(words[1]) else { return nil }
    // Source: ERR_GET_LIB and ERR_GET_REASON of BoringSSL.
    library = code >> 24 & 0xff
    number = code & 0xfff
    let fields = words[2].split(separator: ":", omittingEmptySubsequences: false)
    guard fields.count >= 5 else { return nil }
    let reason = fields[4].prefix { $0 != " " }
    text = "\(fields[2]): \(reason.lowercased().map { $0 == "_" ? " " : String($0) }.joined())"
  }
}
