public import JSON

/// A program that returns credentials: `exec` in a kubeconfig. Only the command is ever shown, since arguments and environment may contain
/// secrets.
///
/// Source: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
public struct CredentialPlugin: Hashable, Sendable {
  /// The version of the plugin interface.
  public enum APIVersion: String, Sendable, CaseIterable {
    case v1 = "client.authentication.k8s.io/v1"
    case v1beta1 = "client.authentication.k8s.io/v1beta1"
  }

  /// A path if it contains a slash, else searched in `PATH`.
  public var command: String
  public var arguments: [String]
  /// Added to the environment of this process.
  public var environment: [String: String]
  public var apiVersion: APIVersion
  /// Shown if the command is missing.
  public var installHint: String?
  /// Whether the plugin receives the cluster's settings.
  public var providesClusterInfo: Bool
  /// The cluster's extension `client.authentication.k8s.io/exec`; passed to the plugin with the cluster's settings.
  public var clusterConfiguration: JSONValue?
  /// Where it is configured, for errors.
  public var location: ConfigurationLocation

  public init(
    command: String, arguments: [String] = [], environment: [String: String] = [:], apiVersion: APIVersion = .v1,
    installHint: String? = nil, providesClusterInfo: Bool = false, clusterConfiguration: JSONValue? = nil,
    location: ConfigurationLocation = ConfigurationLocation(file: "the program", entry: "cluster configuration")
  ) {
    self.command = command
    self.arguments = arguments
    self.environment = environment
    self.apiVersion = apiVersion
    self.installHint = installHint
    self.providesClusterInfo = providesClusterInfo
    self.clusterConfiguration = clusterConfiguration
    self.location = location
  }
}

extension CredentialPlugin: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  public var description: String { "credential plugin \(command)" }
  public var debugDescription: String { description }
  public var customMirror: Mirror { Mirror(self, children: ["command": command]) }
}

extension CredentialPlugin {
  /// The content of `KUBERNETES_EXEC_INFO`.
  /// - Throws: `ConfigurationError.unreadable` if the plugin needs the certificate authorities and their file is unreadable.
  func executionInformation(_ configuration: ClusterConfiguration) throws(ConfigurationError) -> String {
    var spec: JSONObject = ["interactive": false]
    if providesClusterInfo { spec["cluster"] = .object(try clusterInformation(configuration)) }
    let object: JSONValue = ["apiVersion": .string(apiVersion.rawValue), "kind": "ExecCredential", "spec": .object(spec)]
    return String(decoding: object.bytes, as: UTF8.self)
  }

  /// A cluster entry as in a kubeconfig, with the certificate authorities always as data.
  private func clusterInformation(_ configuration: ClusterConfiguration) throws(ConfigurationError) -> JSONObject {
    var cluster: JSONObject = ["server": .string(configuration.server)]
    if let name = configuration.tls.serverName { cluster["tls-server-name"] = .string(name) }
    if configuration.tls.skipsVerification { cluster["insecure-skip-tls-verify"] = true }
    switch configuration.tls.certificateAuthorities {
    case nil: break
    case .data(let pem): cluster["certificate-authority-data"] = .string(base64(pem.revealed))
    case .file(let path):
      let pem = try readFile(path, usedBy: "certificate-authority, for the \(self)")
      cluster["certificate-authority-data"] = .string(base64(pem))
    }
    if let proxy = configuration.proxy { cluster["proxy-url"] = .string(proxy.url.revealedText) }
    cluster["config"] = clusterConfiguration
    return cluster
  }
}
