internal import YAML

/// The entries of one or several kubeconfig files.
///
/// Source: "kubeconfig (v1)" in the Kubernetes reference; the rules for merging from "Organizing Cluster Access Using kubeconfig Files".
struct Kubeconfig {
  private(set) var clusters: [String: KubeconfigEntry] = [:]
  private(set) var users: [String: KubeconfigEntry] = [:]
  private(set) var contexts: [String: KubeconfigEntry] = [:]
  private(set) var currentContext: String?
  private(set) var files: [String] = []

  /// Whether the files say nothing at all, as `/dev/null` does.
  var isEmpty: Bool {
    clusters.isEmpty && users.isEmpty && contexts.isEmpty && currentContext == nil
  }

  /// Adds what a file has that those before it do not have. An entry is taken whole or not at all.
  mutating func merge(_ path: String) throws(ConfigurationError) {
    try merge(try readFile(path, usedBy: "kubeconfig"), of: path)
  }

  /// The same of a file that has been read.
  mutating func merge(_ bytes: [UInt8], of path: String) throws(ConfigurationError) {
    files.append(path)
    do throws(YAMLError) {
      let documents = try YAMLNode.documents(parsing: bytes, file: path)
      if documents.count > 1 {
        throw YAMLError(.reading, at: documents[1].mark, "a second document begins in a kubeconfig", "keep one, without --- between")
      }
      guard let document = documents.first, !document.isNull else { return }
      try merge(try document.mapping(), of: path)
    } catch {
      throw .malformed("\(error)")
    }
  }

  private mutating func merge(_ config: YAMLMapping, of path: String) throws(YAMLError) {
    if let kind = config.optional("kind"), try kind.text() != "Config" {
      throw YAMLError(.reading, at: kind.mark, "this is no kubeconfig: its kind is not Config", "name a kubeconfig file")
    }
    clusters.merge(try Self.entries(config, list: "clusters", of: "cluster", path)) { first, _ in first }
    users.merge(try Self.entries(config, list: "users", of: "user", path)) { first, _ in first }
    contexts.merge(try Self.entries(config, list: "contexts", of: "context", path)) { first, _ in first }
    if currentContext == nil { currentContext = try config.optional("current-context")?.text().nonEmpty }
  }

  /// The entries of one list: `- name: …` with the entry itself under the kind's name.
  private static func entries(
    _ config: YAMLMapping, list: String, of kind: String, _ path: String
  ) throws(YAMLError) -> [String: KubeconfigEntry] {
    var entries: [String: KubeconfigEntry] = [:]
    for element in try config.optional(list)?.elements() ?? [] {
      let item = try element.mapping()
      let name = try item.required("name").text()
      let fields = try item.optional(kind)?.mapping() ?? YAMLMapping(entries: [], mark: element.mark)
      let entry = KubeconfigEntry(kind: kind, name: name, file: path, line: element.mark.line, fields: fields)
      if let first = entries.updateValue(entry, forKey: name) {
        throw YAMLError(
          .reading, at: element.mark, "the \(kind) \"\(name)\" stands here again, first in line \(first.line)",
          "rename or remove one of them")
      }
    }
    return entries
  }
}
