internal import FoundationEssentials
internal import YAML

/// A cluster, a user or a context of a kubeconfig, read field by field: what is wrong with an entry matters only to who uses it.
struct KubeconfigEntry {
  /// `cluster`, `user` or `context`.
  var kind: String
  var name: String
  /// Relative paths start from its directory.
  var file: String
  var line: Int
  var fields: YAMLMapping

  var location: ConfigurationLocation { ConfigurationLocation(file: file, line: line, entry: "\(kind) \"\(name)\"") }

  func has(_ key: String) -> Bool { fields.optional(key) != nil }

  /// `nil` also where the text is empty.
  func text(_ key: String) throws(ConfigurationError) -> String? {
    try read(key) { node throws(YAMLError) in try node.text() }?.nonEmpty
  }

  /// False where there is no such field.
  func flag(_ key: String) throws(ConfigurationError) -> Bool {
    try read(key) { node throws(YAMLError) in try node.bool() } ?? false
  }

  /// No texts where there is no such field.
  func texts(_ key: String) throws(ConfigurationError) -> [String] {
    try read(key) { node throws(YAMLError) in try Self.texts(node) } ?? []
  }

  /// Lists of texts by name.
  func textLists(_ key: String) throws(ConfigurationError) -> [String: [String]] {
    try read(key) { node throws(YAMLError) in
      var lists: [String: [String]] = [:]
      for entry in try node.mapping().entries { lists[entry.key] = try Self.texts(entry.value) }
      return lists
    } ?? [:]
  }

  /// A path, from the directory of the file that it stands in.
  func path(_ key: String) throws(ConfigurationError) -> String? {
    guard let path = try text(key) else { return nil }
    guard !path.hasPrefix("/"), let slash = file.lastIndex(of: "/") else { return path }
    return file[...slash] + path
  }

  /// Certificates or a key: the field `<key>-data`, or else the file that the field `key` names, which has to be there.
  func pem(_ key: String) throws(ConfigurationError) -> PEM? {
    let dataKey = "\(key)-data"
    if let text = try text(dataKey) {
      guard let decoded = bytes(base64: text) else {
        throw invalid(dataKey, "is not base64", "write the PEM file's content in base64, or name the file as \(key)")
      }
      try requirePEM(decoded, dataKey, "does not hold PEM")
      return .data(Secret(decoded))
    }
    guard let path = try path(key) else { return nil }
    try requirePEM(try readFile(path, usedBy: "\(key) of \(location)"), key, "names a file that does not hold PEM, \(path)")
    return .file(path)
  }

  /// - Parameter key: the field to blame; its line goes into the error.
  func invalid(_ key: String, _ reason: String, _ remedy: String) -> ConfigurationError {
    var location = location
    location.line = fields.entries.first { $0.key == key }?.keyMark.line ?? line
    return .invalid(location, reason: "\(key) \(reason)", remedy: remedy)
  }

  private func requirePEM(_ content: [UInt8], _ key: String, _ reason: String) throws(ConfigurationError) {
    guard String(decoding: content, as: UTF8.self).contains("-----BEGIN ") else {
      throw invalid(key, reason, "the content has to begin with a line -----BEGIN …-----")
    }
  }

  /// `nil` where there is no such field.
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

// MARK: Of a cluster entry

extension KubeconfigEntry {
  func proxy() throws(ConfigurationError) -> ProxyServer? {
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
        throw invalid("username", "stands beside a token, and only one of the two can be sent", "remove one of them")
      }
      return .basic(user: user ?? "", password: Secret(password ?? ""))
    }
    // As in kubectl the file, which rotates, goes before the text, which then only bridges a file that cannot be read.
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
        throw .invalid(location, reason: "it impersonates a UID, groups or extra values, and no user", remedy: "add as: with a user's name")
      }
      return nil
    }
    return Impersonation(user: user, uid: uid, groups: groups, extra: extra)
  }
}

/// Standard base64, with padding and without line breaks.
func base64(_ bytes: [UInt8]) -> String {
  Data(bytes).base64EncodedString()
}

/// The bytes of standard base64, which may be broken into lines; `nil` for anything else.
func bytes(base64 text: String) -> [UInt8]? {
  Data(base64Encoded: text.filter { !$0.isWhitespace }).map { [UInt8]($0) }
}
