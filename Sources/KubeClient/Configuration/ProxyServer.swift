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

/// The proxy that the environment names for API servers, by the variables that kubectl and all other Go programs read: `HTTPS_PROXY`,
/// `HTTP_PROXY` for a server of plain `http`, and `NO_PROXY`, each in lower case as well.
///
/// Source: the documentation of `Config` and `FromEnvironment` in golang.org/x/net/http/httpproxy.
struct ProxyEnvironment {
  private let variables: [String: String]

  init(_ variables: [String: String]) {
    self.variables = variables
  }

  /// - Parameter server: the URL of the API server.
  /// - Returns: `nil` for a direct connection.
  /// - Throws: `ConfigurationError.invalid` where a variable that counts for this server is no proxy's URL.
  func proxy(for server: String) throws(ConfigurationError) -> ProxyServer? {
    guard let target = ServerAddress(server), let (name, value) = variable(target.isPlain ? "HTTP_PROXY" : "HTTPS_PROXY") else {
      return nil
    }
    if target.isThisMachine || exceptions.contains(where: { $0.covers(target) }) { return nil }
    guard let proxy = ProxyServer(url: value.contains("://") ? value : "http://\(value)") else {
      throw .invalid(
        ConfigurationLocation(file: "the environment", entry: name),
        reason: "it is not a URL with a host and the scheme http, https or socks5",
        remedy: "write it as http://host:port, or add \(target.host) to NO_PROXY")
    }
    return proxy
  }

  private var exceptions: [ProxyException] {
    let list = variable("NO_PROXY")?.value ?? ""
    return list.split(separator: ",").compactMap { ProxyException($0.trimmingPrefix { $0 == " " }.prefix { $0 != " " }) }
  }

  private func variable(_ name: String) -> (name: String, value: String)? {
    for name in [name, name.lowercased()] {
      if let value = variables[name]?.nonEmpty { return (name, value) }
    }
    return nil
  }
}

/// Whom the URL of an API server leads to.
struct ServerAddress {
  var isPlain: Bool
  /// In lower case, an IPv6 address without brackets.
  var host: String
  var port: String

  init?(_ url: String) {
    guard let schemeEnd = url.firstRange(of: "://") else { return nil }
    isPlain = url[..<schemeEnd.lowerBound].lowercased() == "http"
    let (host, port) = Self.split(url[schemeEnd.upperBound...].prefix { $0 != "/" })
    self.host = host
    self.port = port ?? (isPlain ? "80" : "443")
  }

  /// `host`, `host:port`, `[address]:port`, or an IPv6 address without brackets and port.
  static func split(_ text: Substring) -> (host: String, port: String?) {
    let text = text.lowercased()
    if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
      let rest = text[end...].dropFirst()
      return (String(text[..<end].dropFirst()), rest.hasPrefix(":") ? String(rest.dropFirst()) : nil)
    }
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    return parts.count == 2 ? (String(parts[0]), String(parts[1])) : (text, nil)
  }

  /// What no proxy could reach for us.
  var isThisMachine: Bool {
    if host == "localhost" { return true }
    guard let address = AddressPrefix(host) else { return false }
    return ["127.0.0.0/8", "::1"].contains { AddressPrefix($0)?.covers(address) == true }
  }
}
