// From a context's name to the configuration that it stands for.

extension Kubeconfig {
  /// - Parameter wanted: `nil` means the current context.
  func resolve(context wanted: String?) throws(ConfigurationError) -> ClusterConfiguration {
    let context = try context(wanted)
    guard let clusterName = try context.text("cluster") else {
      throw .dangling(context.place, reason: "it names no cluster", remedy: "add cluster: with the name of one")
    }
    let cluster = try entry(clusterName, in: clusters, of: "cluster", for: context)
    let userName = try context.text("user")
    let user = try userName.map { name throws(ConfigurationError) in try entry(name, in: users, of: "user", for: context) }

    guard let server = try cluster.text("server") else {
      throw .invalid(cluster.place, reason: "it has no server", remedy: "add server: https://host:port")
    }
    var tls = ClusterTLS(
      certificateAuthorities: try cluster.pem("certificate-authority"), serverName: try cluster.text("tls-server-name"),
      skipsVerification: try cluster.flag("insecure-skip-tls-verify"))
    tls.clientCertificate = try user?.pem("client-certificate")
    tls.clientKey = try user?.pem("client-key")
    let configuration = ClusterConfiguration(
      server: server.hasSuffix("/") ? String(server.dropLast()) : server,
      tls: tls,
      credentials: try user?.credentials(for: cluster) ?? .none,
      impersonation: try user?.impersonation(),
      proxy: try cluster.proxy(),
      defaultNamespace: try context.text("namespace") ?? "default",
      origin: "\(context.file), context \"\(context.name)\"")
    try configuration.validate(cluster: cluster.place, user: user?.place ?? context.place)
    return configuration
  }

  private func context(_ wanted: String?) throws(ConfigurationError) -> KubeconfigEntry {
    let place = ConfigurationPlace(file: files.joined(separator: ":"), entry: "contexts")
    guard let name = wanted ?? currentContext else {
      throw .dangling(place, reason: "no current-context is set", remedy: "set one, or name a context (\(known(contexts)))")
    }
    guard let context = contexts[name] else {
      let asked = wanted == nil ? "the current-context" : "the context asked for"
      throw .dangling(place, reason: "there is no context \"\(name)\", \(asked)", remedy: "use one of those there are (\(known(contexts)))")
    }
    return context
  }

  private func entry(
    _ name: String, in entries: [String: KubeconfigEntry], of kind: String, for context: KubeconfigEntry
  ) throws(ConfigurationError) -> KubeconfigEntry {
    guard let entry = entries[name] else {
      throw .dangling(
        context.place, reason: "there is no \(kind) \"\(name)\", which it names",
        remedy: "add it to \(kind)s, or name one of those there are (\(known(entries)))")
    }
    return entry
  }

  private func known(_ entries: [String: KubeconfigEntry]) -> String {
    entries.isEmpty ? "there are none" : entries.keys.sorted().joined(separator: ", ")
  }
}

// MARK: Of a cluster entry

extension KubeconfigEntry {
  fileprivate func proxy() throws(ConfigurationError) -> ProxyServer? {
    guard let url = try text("proxy-url") else { return nil }
    guard let proxy = ProxyServer(url: url) else {
      throw invalid("proxy-url", "is not a URL with a host and the scheme http, https or socks5", "write it as http://host:port")
    }
    return proxy
  }
}

// MARK: Of a user entry

extension KubeconfigEntry {
  /// Of several credentials the one that kubectl would send.
  fileprivate func credentials(for cluster: KubeconfigEntry) throws(ConfigurationError) -> ClusterCredentials {
    if has("auth-provider") {
      throw invalid(
        "auth-provider", "is not supported; Kubernetes 1.26 removed it from kubectl too",
        "use exec, token, tokenFile, or client-certificate and client-key")
    }

    let token = try text("token").map { Secret($0) }
    let user = try text("username")
    let password = try text("password")
    if user != nil || password != nil {
      if token != nil || has("tokenFile") {
        throw invalid("username", "stands beside a token, and only one of the two can be sent", "remove one of them")
      }
      return .basic(user: user ?? "", password: Secret(password ?? ""))
    }
    // As in kubectl the file, which rotates, goes before the text, which then only bridges a file that cannot be read.
    if let path = try path("tokenFile") {
      if token == nil { _ = try readFile(path, usedBy: "tokenFile of \(place)") }
      return .tokenFile(path: path, initial: token)
    }
    if let token { return .token(token) }
    return try plugin(for: cluster).map { .plugin($0) } ?? .none
  }

  fileprivate func impersonation() throws(ConfigurationError) -> Impersonation? {
    let uid = try text("as-uid")
    let groups = try texts("as-groups")
    let extra = try textLists("as-user-extra")
    guard let user = try text("as") else {
      guard uid == nil, groups.isEmpty, extra.isEmpty else {
        throw .invalid(place, reason: "it impersonates a UID, groups or extra values, and no user", remedy: "add as: with a user's name")
      }
      return nil
    }
    return Impersonation(user: user, uid: uid, groups: groups, extra: extra)
  }
}
