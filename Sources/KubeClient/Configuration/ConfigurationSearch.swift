extension ClusterConfiguration {
  /// Loads the configuration from the same sources as kubectl, in this order: the file `kubeconfig`; the colon-separated files of
  /// `KUBECONFIG`, where missing files are skipped and the first definition of each entry wins; `~/.kube/config`; the service account of
  /// the Pod. Files are read once, except credentials and certificates that rotate. If the cluster entry has no `proxy-url`, `HTTPS_PROXY`
  /// and `NO_PROXY` apply, as for kubectl.
  /// - Parameters:
  ///   - kubeconfig: a path; empty means none.
  ///   - context: overrides the current context; empty means none. A service account has no contexts.
  ///   - environment: read for `KUBECONFIG`, `HOME`, `KUBERNETES_SERVICE_HOST`, `KUBERNETES_SERVICE_PORT` and the proxy variables.
  /// - Throws: `ConfigurationError` with the file, line and entry.
  public static func load(
    kubeconfig: String? = nil, context: String? = nil, environment: [String: String]
  ) throws(ConfigurationError) -> ClusterConfiguration {
    try ConfigurationSearch(environment: environment).load(kubeconfig: kubeconfig, context: context)
  }
}

/// The sources of a configuration, in order of precedence.
struct ConfigurationSearch {
  var environment: [String: String]
  /// Prepended to the paths of the service account's files.
  var root = ""

  func load(kubeconfig: String?, context: String?) throws(ConfigurationError) -> ClusterConfiguration {
    var configuration = try find(kubeconfig: kubeconfig, context: context?.nonEmpty)
    if configuration.proxy == nil { configuration.proxy = try ProxyEnvironment(environment).proxy(for: configuration.server) }
    return configuration
  }

  private func find(kubeconfig: String?, context: String?) throws(ConfigurationError) -> ClusterConfiguration {
    if let path = kubeconfig?.nonEmpty {
      var config = Kubeconfig()
      try config.merge(path)
      return try config.resolve(context: context)
    }
    var looked: [String] = []
    let config = try firstKubeconfig(&looked)
    if !config.isEmpty { return try config.resolve(context: context) }
    if let context {
      looked.append("a service account, which has no context \"\(context)\"")
    } else if let configuration = try ServiceAccount(environment: environment, root: root).configuration(&looked) {
      return configuration
    }
    throw .notFound(looked: looked)
  }

  /// Reads the kubeconfig files of `KUBECONFIG` or the home directory; empty if there are none, or they are empty.
  private func firstKubeconfig(_ looked: inout [String]) throws(ConfigurationError) -> Kubeconfig {
    var config = Kubeconfig()
    if let list = environment["KUBECONFIG"]?.nonEmpty {
      for path in list.split(separator: ":").map(String.init) {
        if isMissing(path) {
          looked.append("\(path) (of KUBECONFIG), which does not exist")
        } else {
          try config.merge(path)
          looked.append("\(path) (of KUBECONFIG), which is empty")
        }
      }
    } else if let home = environment["HOME"]?.nonEmpty {
      let path = "\(home)/.kube/config"
      // In a Pod the home directory may be inaccessible.
      if let obstacle = obstacle(to: path) {
        looked.append("\(path) (\(obstacle))")
      } else {
        try config.merge(path)
        looked.append("\(path), which is empty")
      }
    } else {
      looked.append("~/.kube/config (HOME is not set)")
    }
    return config
  }
}

extension String {
  /// `nil` if empty, since shells and manifests write "none" as an empty string.
  var nonEmpty: String? {
    isEmpty ? nil : self
  }
}

/// The service account of the Pod.
///
/// Source: https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/
struct ServiceAccount {
  var environment: [String: String]
  /// Prepended to the paths.
  var root = ""

  private var directory: String { "\(root)/var/run/secrets/kubernetes.io/serviceaccount" }

  /// - Parameter looked: receives the missing parts if the result is `nil`, i.e. outside a Pod or without a service account.
  func configuration(_ looked: inout [String]) throws(ConfigurationError) -> ClusterConfiguration? {
    guard let host = environment["KUBERNETES_SERVICE_HOST"]?.nonEmpty, let port = environment["KUBERNETES_SERVICE_PORT"]?.nonEmpty else {
      looked.append("a service account (KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set: this is not a Pod)")
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
    let location = ConfigurationLocation(file: directory, entry: "service account")
    try configuration.validate(cluster: location, user: location)
    return configuration
  }

  private func namespace() throws(ConfigurationError) -> String? {
    let path = "\(directory)/namespace"
    guard !isMissing(path) else { return nil }
    let words = try readFile(path, usedBy: "the service account's namespace").split { $0 <= 0x20 }
    return words.first.map { String(decoding: $0, as: UTF8.self) }
  }
}
