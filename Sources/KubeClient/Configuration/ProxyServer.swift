/// The proxy that requests go through, `proxy-url` in a kubeconfig or `HTTPS_PROXY` in the environment. An `https` proxy's certificate is
/// checked against the cluster's authorities, as kubectl does it. The URL may hold a password, so only its scheme and host are shown.
public struct ProxyServer: Hashable, Sendable {
  /// With the user and password that it may hold.
  public let url: Secret
  /// Without them.
  private let shown: String
  private let scheme: String

  /// - Returns: `nil` unless `url` starts with `http://`, `https://` or `socks5://` and names a host: nothing else is supported.
  public init?(url: String) {
    guard let schemeEnd = url.firstRange(of: "://") else { return nil }
    let scheme = url[..<schemeEnd.lowerBound].lowercased()
    guard ["http", "https", "socks5"].contains(scheme) else { return nil }
    let authority = url[schemeEnd.upperBound...].prefix { !"/?#".contains($0) }
    let host = authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority
    guard !host.isEmpty else { return nil }
    self.url = Secret(url)
    self.scheme = scheme
    self.shown = "\(scheme)://\(host)"
  }
}

extension ProxyServer {
  /// The URL as the transport wants it. With socks5 the proxy looks up the server's name, as it does for kubectl; libcurl calls this socks5h.
  var transportURL: String {
    scheme == "socks5" ? "socks5h" + url.revealedText.dropFirst(scheme.count) : url.revealedText
  }
}

extension ProxyServer: CustomStringConvertible {
  public var description: String { shown }
}
