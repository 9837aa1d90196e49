extension ClusterConfiguration {
  /// Whether what is sent to the server can be read on its way.
  var isPlainHTTP: Bool { server.lowercased().hasPrefix("http://") }

  /// What no configuration may be, whoever made it.
  /// - Parameter place: what to name in the error.
  func validate(at place: ConfigurationPlace) throws(ConfigurationError) {
    func invalid(_ reason: String, _ remedy: String) -> ConfigurationError {
      .invalid(place, reason: reason, remedy: remedy)
    }
    try validateServer(invalid)
    if tls.skipsVerification && tls.certificateAuthorities != nil {
      throw invalid(
        "a certificate authority and insecure-skip-tls-verify contradict each other",
        "remove insecure-skip-tls-verify to have the server's certificate checked")
    }
    if (tls.clientCertificate == nil) != (tls.clientKey == nil) {
      throw invalid(
        tls.clientKey == nil ? "a client certificate without its key" : "a client key without its certificate",
        "give client-certificate and client-key together")
    }
    if isPlainHTTP && (credentials != .none || tls.clientCertificate != nil) {
      throw invalid("credentials would go over plain http to \(server)", "use an https:// server, or remove the credentials")
    }
    if headerTexts.contains(where: { $0.utf8.contains { $0 < 0x20 || $0 == 0x7F } }) {
      throw invalid(
        "a credential, or a name to impersonate, has a line break or another control character in it", "write it without")
    }
  }

  private func validateServer(_ invalid: (String, String) -> ConfigurationError) throws(ConfigurationError) {
    let remedy = "write it as https://host:port"
    guard let schemeEnd = server.firstRange(of: "://"), ["http", "https"].contains(server[..<schemeEnd.lowerBound].lowercased()) else {
      throw invalid("the server's URL does not start with https:// or http://", remedy)
    }
    let rest = server[schemeEnd.upperBound...]
    let authority = rest.prefix { $0 != "/" }
    if authority.isEmpty { throw invalid("the server's URL names no host", remedy) }
    if authority.contains("@") {
      throw invalid("the server's URL holds a user or a password", "write them as username and password of the user entry")
    }
    if rest.contains(where: { "?#".contains($0) || $0.isWhitespace || !$0.isASCII }) {
      throw invalid("the server's URL has a query, a fragment, white space or a character that is not ASCII", remedy)
    }
  }

  /// All that ends up in a header, where a line break would make a header of its own.
  private var headerTexts: [String] {
    let credential =
      switch credentials {
      case .token(let token): [token.revealedText]
      case .none, .tokenFile, .basic: [String]()  // a token file is checked when it is read; basic is base64 by then
      }
    return credential + (impersonation?.headers.map(\.value) ?? [])
  }
}
