internal import JSON

extension CredentialPlugin {
  /// What the plugin finds in the variable `KUBERNETES_EXEC_INFO`.
  /// - Throws: `ConfigurationError.unreadable` where the plugin is to be told the certificate authorities and their file cannot be read.
  func executionInformation(_ configuration: ClusterConfiguration) throws(ConfigurationError) -> String {
    var spec: [String: JSONValue] = ["interactive": false]
    if providesClusterInfo { spec["cluster"] = .object(try clusterInformation(configuration)) }
    let object: JSONValue = ["apiVersion": .string(apiVersion.rawValue), "kind": "ExecCredential", "spec": .object(spec)]
    return String(decoding: object.bytes, as: UTF8.self)
  }

  /// As a cluster of a kubeconfig, with the certificate authorities always as data.
  private func clusterInformation(_ configuration: ClusterConfiguration) throws(ConfigurationError) -> [String: JSONValue] {
    var cluster: [String: JSONValue] = ["server": .string(configuration.server)]
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
