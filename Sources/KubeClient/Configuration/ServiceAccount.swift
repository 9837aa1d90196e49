/// The configuration that Kubernetes gives every pod.
///
/// Source: "Accessing the Kubernetes API from a Pod" in the Kubernetes documentation.
struct ServiceAccount {
  var environment: [String: String]
  /// Stands before the paths.
  var root = ""

  private var directory: String { "\(root)/var/run/secrets/kubernetes.io/serviceaccount" }

  /// - Parameter looked: gets what is missing, where this returns `nil`: then we are not in a pod, or in one without a service account.
  func configuration(_ looked: inout [String]) throws(ConfigurationError) -> ClusterConfiguration? {
    guard let host = environment["KUBERNETES_SERVICE_HOST"]?.nonEmpty, let port = environment["KUBERNETES_SERVICE_PORT"]?.nonEmpty else {
      looked.append("a service account (KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set: this is no pod)")
      return nil
    }
    let token = "\(directory)/token"
    if let obstacle = obstacle(to: token) {
      looked.append("a service account (\(token): \(obstacle))")
      return nil
    }
    let authorities = "\(directory)/ca.crt"
    let configuration = ClusterConfiguration(
      server: "https://\(host.contains(":") ? "[\(host)]" : host):\(port)",
      tls: ClusterTLS(certificateAuthorities: isMissing(authorities) ? nil : .file(authorities)),
      credentials: .tokenFile(path: token, initial: nil),
      defaultNamespace: try namespace() ?? "default",
      origin: "service account in \(directory)")
    let place = ConfigurationPlace(file: directory, entry: "service account")
    try configuration.validate(cluster: place, user: place)
    return configuration
  }

  private func namespace() throws(ConfigurationError) -> String? {
    let path = "\(directory)/namespace"
    guard !isMissing(path) else { return nil }
    let words = try readFile(path, usedBy: "the service account's namespace").split { $0 <= 0x20 }
    return words.first.map { String(decoding: $0, as: UTF8.self) }
  }
}
