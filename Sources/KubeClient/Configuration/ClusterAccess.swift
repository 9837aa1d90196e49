package import HTTPTransport
package import Logging
internal import Primitives

/// Adds the server's address, TLS settings, proxy and credentials to each request. The only code that puts a credential on a request.
package final class ClusterAccess: Sendable {
  package let configuration: ClusterConfiguration
  private let tls: TLSOptions?
  private let tokens: TokenSource?
  private let plugin: PluginSource?

  /// - Parameter clock: for the intervals of reading the token file and running the plugin again.
  /// - Throws: `ConfigurationError.invalid` for a configuration that would send credentials in clear text, or that is contradictory.
  package init(
    _ configuration: ClusterConfiguration, clock: some Clock<Duration> = ContinuousClock(), logger: Logger
  ) throws(ConfigurationError) {
    let location = ConfigurationLocation(file: configuration.origin, entry: "cluster configuration")
    try configuration.validate(cluster: location, user: location)
    self.configuration = configuration
    self.tls = configuration.isPlainHTTP ? nil : TLSOptions(configuration.tls)
    let start = clock.now
    let elapsed: @Sendable () -> Duration = { start.duration(to: clock.now) }
    if case .tokenFile(let path, let initial) = configuration.credentials {
      self.tokens = TokenSource(path: path, initial: initial, elapsed: elapsed, logger: logger)
    } else {
      self.tokens = nil
    }
    if case .plugin(let plugin) = configuration.credentials {
      let run = PluginRun(plugin: plugin, configuration: configuration)
      self.plugin = PluginSource(now: { Timestamp.now.unixMilliseconds }, elapsed: elapsed) { () async throws(ConfigurationError) in
        logger.debug("running the credential plugin", metadata: ["command": "\(plugin.command)"])
        return try await run.credential()
      }
    } else {
      self.plugin = nil
    }
  }

  /// The TLS settings, if any of them is a file, which may change at any time.
  var tlsFiles: TLSOptions? {
    let sources = [tls?.certificateAuthorities, tls?.clientCertificate, tls?.clientKey]
    return sources.contains { if case .file = $0 { true } else { false } } ? tls : nil
  }

  /// Completes a request whose `url` is a path and query, e.g. `/api/v1/nodes?limit=500`.
  /// - Throws: `ConfigurationError.unreadable` or `.plugin` without a credential. The request must not be sent then.
  package func prepare(_ request: inout HTTPRequest) async throws(ConfigurationError) {
    request.url = configuration.server + request.url
    request.tls = tls
    request.proxy = configuration.proxy?.transportURL
    if let authorization = try authorization() {
      request.headers.append(HTTPHeader("Authorization", authorization))
    }
    try await plugin?.current().apply(to: &request)
    for (name, value) in configuration.impersonation?.headers ?? [] {
      request.headers.append(HTTPHeader(name, value))
    }
  }

  /// Call when the server responds 401 to a prepared request; the next request gets fresh credentials. Concurrent refusals cause one
  /// refresh.
  package func refuseCredentials(of request: HTTPRequest) {
    tokens?.invalidate()
    plugin?.refuse(request)
  }

  /// Whether a retry after a 401 can send other credentials.
  package var canRefreshCredentials: Bool { tokens != nil || plugin != nil }

  private func authorization() throws(ConfigurationError) -> String? {
    switch configuration.credentials {
    case .none, .plugin: nil
    case .token(let token): "Bearer \(token.revealedText)"
    case .tokenFile: try tokens.map { tokens throws(ConfigurationError) in "Bearer \(try tokens.current().revealedText)" }
    case .basic(let user, let password): "Basic \(base64(Array(user.utf8) + [UInt8(ascii: ":")] + password.revealed))"
    }
  }
}

extension TLSOptions {
  fileprivate init(_ tls: ClusterTLS) {
    self.init(
      certificateAuthorities: tls.certificateAuthorities.map(PEMSource.init), clientCertificate: tls.clientCertificate.map(PEMSource.init),
      clientKey: tls.clientKey.map(PEMSource.init), serverName: tls.serverName, verification: tls.skipsVerification ? .none : .full)
  }
}

extension PEMSource {
  fileprivate init(_ pem: PEM) {
    switch pem {
    case .file(let path): self = .file(path)
    case .data(let secret): self = .memory(secret.revealed)
    }
  }
}
