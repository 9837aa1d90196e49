/// Certificates or a key in PEM. Its description never shows what is in it.
package enum PEMSource: Sendable, Hashable, CustomStringConvertible {
  /// Read again whenever the file has changed: a request made after the change uses the new content, on a new connection.
  case file(String)
  case memory([UInt8])

  package var description: String {
    switch self {
    case .file(let path): "file \(path)"
    case .memory(let bytes): "\(bytes.count) bytes of PEM in memory"
    }
  }
}

/// How an `https` peer is checked and how we show who we are. TLS 1.2 at least, always.
///
/// A connection is only reused by requests whose options, and whose files' contents, are the same.
package struct TLSOptions: Sendable, Hashable {
  package enum Verification: Sendable, Hashable {
    /// The peer's chain must lead to an authority and its certificate must bear the server name.
    case full
    /// Neither is checked. Only where a user asked for it by name.
    case none
  }

  /// Trusted instead of the system's authorities; nil trusts the system's.
  package var certificateAuthorities: PEMSource?
  package var clientCertificate: PEMSource?
  /// nil where `clientCertificate` holds the key too.
  package var clientKey: PEMSource?
  /// The name for SNI and for the certificate check where it is not the URL's host; the Host header stays the URL's.
  package var serverName: String?
  package var verification: Verification

  package init(
    certificateAuthorities: PEMSource? = nil, clientCertificate: PEMSource? = nil, clientKey: PEMSource? = nil,
    serverName: String? = nil, verification: Verification = .full
  ) {
    self.certificateAuthorities = certificateAuthorities
    self.clientCertificate = clientCertificate
    self.clientKey = clientKey
    self.serverName = serverName
    self.verification = verification
  }
}
