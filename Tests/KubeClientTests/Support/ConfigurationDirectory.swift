import Foundation
import JSON

@testable import KubeClient

/// A directory with the configuration files of one test.
final class ConfigurationDirectory: Sendable {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.appending(path: "rollcall-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }

  /// Writes a file and creates its parent directories.
  /// - Returns: The path.
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

  /// Searches a configuration, independently of this machine's environment.
  func load(
    kubeconfig: String? = nil, context: String? = nil, environment: [String: String] = [:]
  ) throws(ConfigurationError) -> ClusterConfiguration {
    try ConfigurationSearch(environment: environment, root: path).load(kubeconfig: kubeconfig, context: context)
  }
}

extension ConfigurationDirectory {
  /// Writes an executable shell script.
  /// - Returns: The path.
  @discardableResult
  func script(_ name: String, _ body: String) throws -> String {
    let path = try write(name, "#!/bin/sh\n\(body)\n")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
    return path
  }

  /// Writes a plugin that prints an ExecCredential with this status, and appends a line to the file `runs`.
  @discardableResult
  func plugin(_ name: String = "plugin", version: CredentialPlugin.APIVersion = .v1, status: String) throws -> String {
    try script(
      name, "echo run >> '\(path)/runs'\necho '{\"apiVersion\":\"\(version.rawValue)\",\"kind\":\"ExecCredential\",\"status\":\(status)}'")
  }

  func text(_ name: String) throws -> String {
    try String(contentsOfFile: "\(path)/\(name)", encoding: .utf8)
  }

  /// The number of runs of the plugin.
  var runs: Int {
    get throws { try text("runs").split(separator: "\n").count }
  }
}

/// A kubeconfig with one context, `main`. The arguments are the cluster and user in flow style.
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

/// PEM with valid framing and meaningless content.
enum PEMSample {
  static let certificate = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
  static let key = "-----BEGIN PRIVATE KEY-----\nMC4C\n-----END PRIVATE KEY-----\n"
  static let encodedCertificate = base64(Array(certificate.utf8))
  static let encodedKey = base64(Array(key.utf8))
}
