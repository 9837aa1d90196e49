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

extension ClusterConfiguration {
  /// Whether what is sent to the server can be read on its way.
  var isPlainHTTP: Bool { server.lowercased().hasPrefix("http://") }

  /// What no configuration may be, whoever made it.
  /// - Parameters:
  ///   - cluster: what to name in an error about the server or its certificate.
  ///   - user: what to name in an error about credentials.
  func validate(cluster: ConfigurationLocation, user: ConfigurationLocation) throws(ConfigurationError) {
    try validateServer(cluster)
    if tls.skipsVerification && tls.certificateAuthorities != nil {
      throw .invalid(
        cluster, reason: "a certificate authority and insecure-skip-tls-verify contradict each other",
        remedy: "remove insecure-skip-tls-verify to have the server's certificate checked")
    }
    if (tls.clientCertificate == nil) != (tls.clientKey == nil) {
      throw .invalid(
        user, reason: tls.clientKey == nil ? "a client certificate without its key" : "a client key without its certificate",
        remedy: "give client-certificate and client-key together")
    }
    if isPlainHTTP && (credentials != .none || tls.clientCertificate != nil) {
      throw .invalid(
        user, reason: "its credentials would go over plain http to \(server)", remedy: "use an https:// server, or remove the credentials")
    }
    if headerTexts.contains(where: { $0.utf8.contains { $0 < 0x20 || $0 == 0x7F } }) {
      throw .invalid(
        user, reason: "a token, or a name to impersonate, has a line break or another control character in it", remedy: "write it without")
    }
  }

  private func validateServer(_ location: ConfigurationLocation) throws(ConfigurationError) {
    func invalid(_ reason: String, _ remedy: String = "write it as https://host:port") -> ConfigurationError {
      .invalid(location, reason: reason, remedy: remedy)
    }
    guard let schemeEnd = server.firstRange(of: "://"), ["http", "https"].contains(server[..<schemeEnd.lowerBound].lowercased()) else {
      throw invalid("the server's URL does not start with https:// or http://")
    }
    let rest = server[schemeEnd.upperBound...]
    let authority = rest.prefix { $0 != "/" }
    if authority.isEmpty { throw invalid("the server's URL names no host") }
    if authority.contains("@") {
      throw invalid("the server's URL holds a user or a password", "write them as username and password of the user")
    }
    if rest.contains(where: { "?#".contains($0) || $0.isWhitespace || !$0.isASCII }) {
      throw invalid("the server's URL has a query, a fragment, white space or a character that is not ASCII")
    }
  }

  /// All that ends up in a header, where a line break would make a header of its own.
  private var headerTexts: [String] {
    let credential =
      switch credentials {
      case .token(let token): [token.revealedText]
      case .none, .tokenFile, .plugin, .basic: [String]()  // what is fetched is checked then; basic is base64 by then
      }
    return credential + (impersonation?.headers.map(\.value) ?? [])
  }
}
