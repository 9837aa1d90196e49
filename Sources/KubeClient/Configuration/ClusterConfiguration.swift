internal import Primitives

/// The address of an API server, its trust settings and our credentials, as in a kubeconfig context or a service account.
/// `ClusterConfiguration.load` finds one; a program may also construct its own.
public struct ClusterConfiguration: Hashable, Sendable {
  /// `https://host:port` with an optional path prefix, without a trailing slash. An IPv6 address is in brackets. Plain `http` is accepted
  /// only without credentials.
  public var server: String
  /// How the server's certificate is verified.
  public var tls: ClusterTLS
  public var credentials: ClusterCredentials
  /// The user to impersonate.
  public var impersonation: Impersonation?
  public var proxy: ProxyServer?
  /// The namespace of the context or service account; `default` if it has none.
  public var defaultNamespace: String
  /// The source of the configuration, for people: a file and context, or the service account.
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

/// How the API server's certificate is verified, and our client certificate.
public struct ClusterTLS: Hashable, Sendable {
  /// The trusted authorities; `nil` for the system's.
  public var certificateAuthorities: PEM?
  /// With its intermediate certificates. Requires `clientKey`.
  public var clientCertificate: PEM?
  /// The key of `clientCertificate`.
  public var clientKey: PEM?
  /// The expected name in the server's certificate, also sent as SNI; `nil` for the host of the URL.
  public var serverName: String?
  /// Accepts any certificate. Set only if the user wrote `insecure-skip-tls-verify: true`.
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
  /// Whether requests are sent in clear text.
  var isPlainHTTP: Bool { server.lowercased().hasPrefix("http://") }

  /// Checks the rules for every configuration, whatever its source.
  /// - Parameters:
  ///   - cluster: the location for errors about the server or its certificate.
  ///   - user: the location for errors about credentials.
  func validate(cluster: ConfigurationLocation, user: ConfigurationLocation) throws(ConfigurationError) {
    try validateServer(cluster)
    if tls.skipsVerification && tls.certificateAuthorities != nil {
      throw .invalid(
        cluster, reason: "a certificate authority and insecure-skip-tls-verify contradict each other",
        remedy: "remove insecure-skip-tls-verify to verify the server's certificate")
    }
    if (tls.clientCertificate == nil) != (tls.clientKey == nil) {
      throw .invalid(
        user, reason: tls.clientKey == nil ? "a client certificate without its key" : "a client key without its certificate",
        remedy: "set both client-certificate and client-key")
    }
    if isPlainHTTP && (credentials != .none || tls.clientCertificate != nil) {
      throw .invalid(
        user, reason: "its credentials would be sent over plain http to \(server)",
        remedy: "use an https:// server, or remove the credentials")
    }
    if headerTexts.contains(where: { $0.utf8.contains { $0 < 0x20 || $0 == 0x7F } }) {
      throw .invalid(
        user, reason: "a token or an impersonated name contains a line break or another control character", remedy: "remove it")
    }
  }

  private func validateServer(_ location: ConfigurationLocation) throws(ConfigurationError) {
    func invalid(_ reason: String, _ remedy: String = "write it as https://host:port") -> ConfigurationError {
      .invalid(location, reason: reason, remedy: remedy)
    }
    guard let parts = URLParts(server), ["http", "https"].contains(parts.scheme) else {
      throw invalid("the server's URL does not start with https:// or http://")
    }
    if parts.address.isEmpty { throw invalid("the server's URL names no host") }
    if parts.userInformation != nil {
      throw invalid("the server's URL holds a user or a password", "write them as username and password of the user")
    }
    if server.contains(where: { "?#".contains($0) || $0.isWhitespace || !$0.isASCII }) {
      throw invalid("the server's URL has a query, a fragment, white space or a character that is not ASCII")
    }
  }

  /// All texts that are sent in headers, where a line break would start another header.
  private var headerTexts: [String] {
    let credential =
      switch credentials {
      case .token(let token): [token.revealedText]
      case .none, .tokenFile, .plugin, .basic: [String]()  // Fetched credentials are checked when read; basic ones are sent as base64.
      }
    return credential + (impersonation?.headers.map(\.value) ?? [])
  }
}
