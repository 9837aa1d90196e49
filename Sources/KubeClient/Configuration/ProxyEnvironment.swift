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
        ConfigurationPlace(file: "the environment", entry: name),
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
