import Foundation

@testable import KubeClient

/// A directory with files for one test; gone when the test is.
final class ConfigurationDirectory: Sendable {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.appending(path: "rollcall-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }

  /// Writes a file, and the directories above it.
  /// - Returns: its path.
  @discardableResult
  func write(_ name: String, _ content: String) throws -> String {
    let file = URL(filePath: path).appending(path: name)
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(content.utf8).write(to: file)
    return file.path
  }

  func remove(_ name: String) throws {
    try FileManager.default.removeItem(atPath: "\(path)/\(name)")
  }

  /// What a search finds, with nothing of this machine's own environment in it.
  func load(
    kubeconfig: String? = nil, context: String? = nil, environment: [String: String] = [:]
  ) throws(ConfigurationError) -> ClusterConfiguration {
    try ConfigurationSearch(environment: environment, root: path).load(kubeconfig: kubeconfig, context: context)
  }
}

/// A kubeconfig with one context, `main`; the arguments are the flow-style content of its cluster and user.
func kubeconfig(cluster: String = "server: https://10.0.0.1:6443", user: String = "token: t0ken", context: String = "") -> String {
  """
  apiVersion: v1
  kind: Config
  current-context: main
  clusters:
  - name: c
    cluster: {\(cluster)}
  users:
  - name: u
    user: {\(user)}
  contexts:
  - name: main
    context: {cluster: c, user: u\(context.isEmpty ? "" : ", " + context)}
  """
}

let certificate = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
let key = "-----BEGIN PRIVATE KEY-----\nMC4C\n-----END PRIVATE KEY-----\n"

func encoded(_ text: String) -> String { base64(Array(text.utf8)) }
