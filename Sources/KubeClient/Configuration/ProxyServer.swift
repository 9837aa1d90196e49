internal import Primitives

/// An HTTP or SOCKS proxy: `proxy-url` in a kubeconfig, or `HTTPS_PROXY` in the environment. The certificate of an `https` proxy is
/// verified with the cluster's authorities, as by kubectl. The description shows only scheme and host, since the URL may contain a
/// password.
public struct ProxyServer: Hashable, Sendable {
  /// May contain a user and password.
  public let url: Secret
  /// Without user and password.
  private let shown: String
  private let scheme: String

  /// - Returns: `nil` unless `url` starts with `http://`, `https://` or `socks5://` and has a host. No other schemes are supported.
  public init?(url: String) {
    guard let parts = URLParts(url), ["http", "https", "socks5"].contains(parts.scheme), !parts.address.isEmpty else { return nil }
    self.url = Secret(url)
    scheme = parts.scheme
    shown = "\(parts.scheme)://\(parts.address)"
  }
}

extension ProxyServer {
  /// The URL for the transport. With socks5 the proxy resolves the server's name, as for kubectl; libcurl calls this socks5h.
  package var transportURL: String {
    scheme == "socks5" ? "socks5h" + url.revealedText.dropFirst(scheme.count) : url.revealedText
  }
}

extension ProxyServer: CustomStringConvertible {
  public var description: String { shown }
}

/// The proxy for a server in the environment: `HTTPS_PROXY`, `HTTP_PROXY` for plain `http`, and `NO_PROXY`, also in lower case, as
/// kubectl and other Go programs read them.
///
/// Source: `Config` and `FromEnvironment` in https://pkg.go.dev/golang.org/x/net/http/httpproxy
package struct ProxyEnvironment {
  private let variables: [String: String]

  package init(_ variables: [String: String]) {
    self.variables = variables
  }

  /// - Parameter server: the URL of the server.
  /// - Returns: `nil` for a direct connection.
  /// - Throws: `ConfigurationError.invalid` if the variable for this server is not a proxy URL.
  package func proxy(for server: String) throws(ConfigurationError) -> ProxyServer? {
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

/// Scheme, host and port of a server's URL.
struct ServerAddress {
  var isPlain: Bool
  /// In lower case; an IPv6 address without brackets and zone.
  var host: String
  /// The zone of an IPv6 address, such as `eth0` in `https://[fe80::1%25eth0]:6443`.
  var zone: String?
  var port: String

  init?(_ url: String) {
    guard let parts = URLParts(url) else { return nil }
    isPlain = parts.scheme == "http"
    let (host, zone, port) = Self.split(parts.address)
    self.host = host
    self.zone = zone
    self.port = port ?? (isPlain ? "80" : "443")
  }

  /// Splits `host`, `host:port`, `[address]:port`, or an IPv6 address without brackets and port. An address may have a zone.
  static func split(_ text: Substring) -> (host: String, zone: String?, port: String?) {
    let text = text.lowercased()
    if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
      let rest = text[end...].dropFirst()
      let (host, zone) = splitZone(text[..<end].dropFirst())
      return (host, zone, rest.hasPrefix(":") ? String(rest.dropFirst()) : nil)
    }
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    if parts.count == 2 { return (String(parts[0]), nil, String(parts[1])) }
    let (host, zone) = splitZone(text[...])
    return (host, zone, nil)
  }

  /// In a URL the percent sign before the zone is `%25` (RFC 6874).
  private static func splitZone(_ text: Substring) -> (host: String, zone: String?) {
    guard let percent = text.firstIndex(of: "%"), IPAddress(String(text[..<percent]))?.family == .ipv6 else { return (String(text), nil) }
    let zone = text[percent...].dropFirst()
    return (String(text[..<percent]), zone.hasPrefix("25") && zone.count > 2 ? String(zone.dropFirst(2)) : String(zone))
  }

  /// A loopback address or name, which a proxy cannot reach for us.
  var isThisMachine: Bool {
    if host == "localhost" { return true }
    guard let address = AddressPrefix(host) else { return false }
    return ["127.0.0.0/8", "::1"].contains { AddressPrefix($0)?.covers(address) == true }
  }
}
