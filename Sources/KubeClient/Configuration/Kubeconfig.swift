internal import YAML

/// The merged entries of one or more kubeconfig files.
///
/// Source: https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/, and for merging
/// https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/
struct Kubeconfig {
  /// By the UTF-8 of their names: Swift's strings are also equal if they differ in Unicode normalization, and such entries are two.
  typealias Entries = [[UInt8]: KubeconfigEntry]

  private(set) var clusters: Entries = [:]
  private(set) var users: Entries = [:]
  private(set) var contexts: Entries = [:]
  private(set) var currentContext: String?
  private(set) var files: [String] = []

  /// Whether the files have no content, as `/dev/null`.
  var isEmpty: Bool {
    clusters.isEmpty && users.isEmpty && contexts.isEmpty && currentContext == nil
  }

  /// Adds the entries of a file that no earlier file has. Entries are not merged with each other.
  mutating func merge(_ path: String) throws(ConfigurationError) {
    try merge(try readFile(path, usedBy: "kubeconfig"), of: path)
  }

  /// As `merge(_:)`, for the content of a file.
  mutating func merge(_ bytes: [UInt8], of path: String) throws(ConfigurationError) {
    files.append(path)
    do throws(YAMLError) {
      let documents = try YAMLNode.documents(parsing: bytes, file: path)
      if documents.count > 1 {
        throw YAMLError(.reading, at: documents[1].mark, "the kubeconfig has a second document", "keep one, without --- between")
      }
      guard let document = documents.first, !document.isNull else { return }
      try merge(try document.mapping(), of: path)
    } catch {
      throw .malformed("\(error)")
    }
  }

  private mutating func merge(_ config: YAMLMapping, of path: String) throws(YAMLError) {
    // As for kubectl, both may be missing or empty.
    if let kind = config.optional("kind"), !["", "Config"].contains(try kind.text()) {
      throw YAMLError(.reading, at: kind.mark, "this is not a kubeconfig: its kind is not Config", "name a kubeconfig file")
    }
    if let version = config.optional("apiVersion"), !["", "v1"].contains(try version.text()) {
      throw YAMLError(.reading, at: version.mark, "the apiVersion of the kubeconfig is not v1", "write apiVersion: v1")
    }
    clusters.merge(try Self.entries(config, list: "clusters", of: "cluster", path)) { first, _ in first }
    users.merge(try Self.entries(config, list: "users", of: "user", path)) { first, _ in first }
    contexts.merge(try Self.entries(config, list: "contexts", of: "context", path)) { first, _ in first }
    if currentContext == nil { currentContext = try config.optional("current-context")?.text().nonEmpty }
  }

  /// The entries of one list: `- name: …` with the entry itself below its kind.
  private static func entries(
    _ config: YAMLMapping, list: String, of kind: String, _ path: String
  ) throws(YAMLError) -> Entries {
    var entries: Entries = [:]
    for element in try config.optional(list)?.elements() ?? [] {
      let item = try element.mapping()
      let name = try item.required("name").text()
      let fields = try item.optional(kind)?.mapping() ?? YAMLMapping(entries: [], mark: element.mark)
      let entry = KubeconfigEntry(kind: kind, name: name, file: path, line: element.mark.line, fields: fields)
      if let first = entries.updateValue(entry, forKey: Array(name.utf8)) {
        throw YAMLError(
          .reading, at: element.mark, "duplicate \(kind) \"\(name)\", first in line \(first.line)", "rename or remove one of them")
      }
    }
    return entries
  }
}

extension Kubeconfig {
  /// Resolves a context to a configuration.
  /// - Parameter wanted: `nil` for the current context.
  func resolve(context wanted: String?) throws(ConfigurationError) -> ClusterConfiguration {
    let context = try context(wanted)
    guard let clusterName = try context.text("cluster") else {
      throw .dangling(context.location, reason: "it names no cluster", remedy: "add cluster: with the name of one")
    }
    let cluster = try entry(clusterName, in: clusters, of: "cluster", for: context)
    let userName = try context.text("user")
    let user = try userName.map { name throws(ConfigurationError) in try entry(name, in: users, of: "user", for: context) }

    guard let server = try cluster.text("server") else {
      throw .invalid(cluster.location, reason: "it has no server", remedy: "add server: https://host:port")
    }
    var tls = ClusterTLS(
      certificateAuthorities: try cluster.pem("certificate-authority"), serverName: try cluster.text("tls-server-name"),
      skipsVerification: try cluster.flag("insecure-skip-tls-verify"))
    tls.clientCertificate = try user?.pem("client-certificate")
    tls.clientKey = try user?.pem("client-key")
    let configuration = ClusterConfiguration(
      server: try cluster.url(ofServer: server, tls: tls),
      tls: tls,
      credentials: try user?.credentials(for: cluster) ?? .none,
      impersonation: try user?.impersonation(),
      proxy: try cluster.proxy(),
      defaultNamespace: try context.text("namespace") ?? "default",
      origin: "\(context.file), context \"\(context.name)\"")
    try configuration.validate(cluster: cluster.location, user: user?.location ?? context.location)
    return configuration
  }

  private func context(_ wanted: String?) throws(ConfigurationError) -> KubeconfigEntry {
    let location = ConfigurationLocation(file: files.joined(separator: ":"), entry: "contexts")
    guard let name = wanted ?? currentContext else {
      throw .dangling(location, reason: "no current-context is set", remedy: "set one, or name a context (\(known(contexts)))")
    }
    guard let context = contexts[Array(name.utf8)] else {
      let asked = wanted == nil ? "the current-context" : "the context asked for"
      throw .dangling(
        location, reason: "there is no context \"\(name)\", \(asked)", remedy: "use another one (\(known(contexts)))")
    }
    return context
  }

  private func entry(
    _ name: String, in entries: Entries, of kind: String, for context: KubeconfigEntry
  ) throws(ConfigurationError) -> KubeconfigEntry {
    guard let entry = entries[Array(name.utf8)] else {
      throw .dangling(
        context.location, reason: "it refers to \(kind) \"\(name)\", which does not exist",
        remedy: "add it to \(kind)s, or use another one (\(known(entries)))")
    }
    return entry
  }

  private func known(_ entries: Entries) -> String {
    entries.isEmpty ? "none available" : "available: " + entries.values.map(\.name).sorted().joined(separator: ", ")
  }
}
