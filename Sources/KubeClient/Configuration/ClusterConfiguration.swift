/// Where a cluster's API server is, how it is trusted, and who we are to it: what a kubeconfig's context, or a pod's service account,
/// says. A plain value; `ClusterConfiguration.load` reads one, and a program may as well make its own.
public struct ClusterConfiguration: Hashable, Sendable {
  /// `https://host:port`, with a path prefix if the server stands behind one, and without a slash at the end. An IPv6 address stands
  /// in brackets. Plain `http` is accepted only without credentials.
  public var server: String
  /// How the server is known to be the right one.
  public var tls: ClusterTLS
  /// How the server knows us.
  public var credentials: ClusterCredentials
  /// Who requests are made as, if that is somebody else than the credentials say.
  public var impersonation: Impersonation?
  /// What stands between us and the server, if anything.
  public var proxy: ProxyServer?
  /// The namespace that the context or the service account names; `default` where none is named.
  public var defaultNamespace: String
  /// Where the configuration came from, for people: a file and a context, or the service account.
  public var origin: String

  public init(
    server: String, tls: ClusterTLS = ClusterTLS(), credentials: ClusterCredentials = .none, impersonation: Impersonation? = nil,
    proxy: ProxyServer? = nil, defaultNamespace: String = "default", origin: String = "the program"
  ) {
    self.server = server
    self.tls = tls
    self.credentials = credentials
    self.impersonation = impersonation
    self.proxy = proxy
    self.defaultNamespace = defaultNamespace
    self.origin = origin
  }
}

/// How the API server's certificate is checked, and the certificate that we show it.
public struct ClusterTLS: Hashable, Sendable {
  /// Who may have signed the server's certificate; `nil` means the certificate authorities of the system.
  public var certificateAuthorities: PEM?
  /// Shown to the server, with the certificates that lead to its authority behind it. Needs `clientKey`.
  public var clientCertificate: PEM?
  /// That of `clientCertificate`.
  public var clientKey: PEM?
  /// The name to ask for and to find in the server's certificate; `nil` means the URL's host.
  public var serverName: String?
  /// Accepts any certificate from anyone. Only for what the user wrote as `insecure-skip-tls-verify: true`.
  public var skipsVerification: Bool

  public init(
    certificateAuthorities: PEM? = nil, clientCertificate: PEM? = nil, clientKey: PEM? = nil, serverName: String? = nil,
    skipsVerification: Bool = false
  ) {
    self.certificateAuthorities = certificateAuthorities
    self.clientCertificate = clientCertificate
    self.clientKey = clientKey
    self.serverName = serverName
    self.skipsVerification = skipsVerification
  }
}

/// Certificates or a key as PEM text.
public enum PEM: Hashable, Sendable {
  /// Read whenever a connection is made, so that a rotated file is picked up.
  case file(String)
  /// The text itself.
  case data(Secret)
}

/// What a request proves its sender with, beside the client certificate in `ClusterTLS`.
public enum ClusterCredentials: Hashable, Sendable {
  case none
  case token(Secret)
  /// A file that is rotated while we run, as a pod's service account token is. `initial` is used until the file could be read.
  case tokenFile(path: String, initial: Secret?)
  case basic(user: String, password: Secret)
  /// A program that gives a token, a client certificate, or both.
  case plugin(CredentialPlugin)
}
