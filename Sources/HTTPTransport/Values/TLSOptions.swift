/// Certificates or a key in PEM. The description never shows the contents.
package enum PEMSource: Sendable, Hashable, CustomStringConvertible {
  /// Reread when the file changes: a request made after the change uses the new content, on a new connection.
  case file(String)
  case memory([UInt8])

  package var description: String {
    switch self {
    case .file(let path): "file \(path)"
    case .memory(let bytes): "\(bytes.count) bytes of PEM in memory"
    }
  }
}

/// How an `https` peer is verified, and our client certificate. TLS 1.2 or newer is always required.
///
/// A connection is only reused by requests with equal options and file contents.
package struct TLSOptions: Sendable, Hashable {
  package enum Verification: Sendable, Hashable {
    /// The peer's chain must end at a trusted authority, and its certificate must contain the server name.
    case full
    /// No verification. Only for users who explicitly ask for it.
    case none
  }

  /// Replaces the system's authorities; nil trusts the system's.
  package var certificateAuthorities: PEMSource?
  package var clientCertificate: PEMSource?
  /// nil if `clientCertificate` contains the key as well.
  package var clientKey: PEMSource?
  /// The name for SNI and certificate verification, if it differs from the URL's host. The Host header remains the URL's.
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
