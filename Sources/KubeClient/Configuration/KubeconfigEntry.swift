internal import FoundationEssentials
internal import YAML

/// A cluster, user or context of a kubeconfig. Its fields are checked only when they are read, so that unused entries may be invalid.
struct KubeconfigEntry {
  /// `cluster`, `user` or `context`.
  var kind: String
  var name: String
  /// Relative paths are relative to its directory.
  var file: String
  var line: Int
  var fields: YAMLMapping

  var location: ConfigurationLocation { ConfigurationLocation(file: file, line: line, entry: "\(kind) \"\(name)\"") }

  func has(_ key: String) -> Bool { fields.optional(key) != nil }

  /// `nil` if the field is missing or empty.
  func text(_ key: String) throws(ConfigurationError) -> String? {
    try read(key) { node throws(YAMLError) in try node.text() }?.nonEmpty
  }

  /// False if the field is missing.
  func flag(_ key: String) throws(ConfigurationError) -> Bool {
    try read(key) { node throws(YAMLError) in try node.bool() } ?? false
  }

  /// Empty if the field is missing.
  func texts(_ key: String) throws(ConfigurationError) -> [String] {
    try read(key) { node throws(YAMLError) in try Self.texts(node) } ?? []
  }

  /// A mapping of lists of texts; empty if the field is missing.
  func textLists(_ key: String) throws(ConfigurationError) -> [String: [String]] {
    try read(key) { node throws(YAMLError) in
      var lists: [String: [String]] = [:]
      for entry in try node.mapping().entries { lists[entry.key] = try Self.texts(entry.value) }
      return lists
    } ?? [:]
  }

  /// A path, resolved against the directory of the file.
  func path(_ key: String) throws(ConfigurationError) -> String? {
    guard let path = try text(key) else { return nil }
    guard !path.hasPrefix("/"), let slash = file.lastIndex(of: "/") else { return path }
    return file[...slash] + path
  }

  /// Certificates or a key: the content of `<key>-data`, or else the file that `key` names. The file must exist.
  func pem(_ key: String) throws(ConfigurationError) -> PEM? {
    let dataKey = "\(key)-data"
    if let text = try text(dataKey) {
      guard let decoded = bytes(base64: text) else {
        throw invalid(dataKey, "is not base64", "write the PEM file's content in base64, or name the file as \(key)")
      }
      try requirePEM(decoded, dataKey, "is not PEM")
      return .data(Secret(decoded))
    }
    guard let path = try path(key) else { return nil }
    try requirePEM(try readFile(path, usedBy: "\(key) of \(location)"), key, "refers to a file that is not PEM: \(path)")
    return .file(path)
  }

  /// - Parameter key: the invalid field; the error has its line.
  func invalid(_ key: String, _ reason: String, _ remedy: String) -> ConfigurationError {
    var location = location
    location.line = fields.entries.first { $0.key == key }?.keyMark.line ?? line
    return .invalid(location, reason: "\(key) \(reason)", remedy: remedy)
  }

  private func requirePEM(_ content: [UInt8], _ key: String, _ reason: String) throws(ConfigurationError) {
    guard String(decoding: content, as: UTF8.self).contains("-----BEGIN ") else {
      throw invalid(key, reason, "the content must start with a line -----BEGIN …-----")
    }
  }

  /// `nil` if the field is missing.
  func read<Value>(_ key: String, _ body: (YAMLNode) throws(YAMLError) -> Value) throws(ConfigurationError) -> Value? {
    guard let node = fields.optional(key) else { return nil }
    do {
      return try body(node)
    } catch {
      throw invalid(key, "cannot be read: \(error.what)", error.remedy)
    }
  }

  private static func texts(_ node: YAMLNode) throws(YAMLError) -> [String] {
    var texts: [String] = []
    for element in try node.elements() { texts.append(try element.text()) }
    return texts
  }
}

// MARK: Cluster entries

extension KubeconfigEntry {
  /// The URL of the server, without a trailing slash. A server without a scheme is reached by https if the kubeconfig has authorities, a
  /// client certificate or `insecure-skip-tls-verify`, and otherwise by http.
  ///
  /// Source: `DefaultServerURL` in https://pkg.go.dev/k8s.io/client-go/rest
  func url(ofServer server: String, tls: ClusterTLS) throws(ConfigurationError) -> String {
    let server = server.hasSuffix("/") ? String(server.dropLast()) : server
    if server.contains("://") { return server }
    guard !server.contains("/") else {
      throw invalid("server", "has a path and no scheme", "write it as https://host:port/path")
    }
    let hasTLS = tls.certificateAuthorities != nil || tls.clientCertificate != nil || tls.skipsVerification
    return (hasTLS ? "https://" : "http://") + server
  }

  func proxy() throws(ConfigurationError) -> ProxyServer? {
    guard let url = try text("proxy-url") else { return nil }
    guard let proxy = ProxyServer(url: url) else {
      throw invalid("proxy-url", "is not a URL with a host and the scheme http, https or socks5", "write it as http://host:port")
    }
    return proxy
  }
}

// MARK: User entries

extension KubeconfigEntry {
  /// If there are several credentials, the ones that kubectl would send.
  func credentials(for cluster: KubeconfigEntry) throws(ConfigurationError) -> ClusterCredentials {
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
        throw invalid("username", "conflicts with the token, only one of them can be sent", "remove one of them")
      }
      return .basic(user: user ?? "", password: Secret(password ?? ""))
    }
    // As in kubectl, the file takes precedence, since it is rotated. The token is used only while the file is unreadable.
    if let path = try path("tokenFile") {
      if token == nil { _ = try readFile(path, usedBy: "tokenFile of \(location)") }
      return .tokenFile(path: path, initial: token)
    }
    if let token { return .token(token) }
    return try plugin(for: cluster).map { .plugin($0) } ?? .none
  }

  func impersonation() throws(ConfigurationError) -> Impersonation? {
    let uid = try text("as-uid")
    let groups = try texts("as-groups")
    let extra = try textLists("as-user-extra")
    guard let user = try text("as") else {
      guard uid == nil, groups.isEmpty, extra.isEmpty else {
        throw .invalid(
          location, reason: "it impersonates a UID, groups or extra values without a user", remedy: "add as: with a user's name")
      }
      return nil
    }
    return Impersonation(user: user, uid: uid, groups: groups, extra: extra)
  }
}

/// Standard base64 with padding and without line breaks.
func base64(_ bytes: [UInt8]) -> String {
  Data(bytes).base64EncodedString()
}

/// Decodes standard base64, which may contain line breaks; `nil` if it is invalid.
func bytes(base64 text: String) -> [UInt8]? {
  Data(base64Encoded: text.filter { !$0.isWhitespace }).map { [UInt8]($0) }
}
