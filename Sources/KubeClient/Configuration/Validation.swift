extension ClusterConfiguration {
  /// Whether what is sent to the server can be read on its way.
  var isPlainHTTP: Bool { server.lowercased().hasPrefix("http://") }

  /// What no configuration may be, whoever made it.
  /// - Parameters:
  ///   - cluster: what to name in an error about the server or its certificate.
  ///   - user: what to name in an error about credentials.
  func validate(cluster: ConfigurationPlace, user: ConfigurationPlace) throws(ConfigurationError) {
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

  private func validateServer(_ place: ConfigurationPlace) throws(ConfigurationError) {
    func invalid(_ reason: String, _ remedy: String = "write it as https://host:port") -> ConfigurationError {
      .invalid(place, reason: reason, remedy: remedy)
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
