extension ClusterConfiguration {
  /// Finds and reads the configuration as kubectl would: the file that `kubeconfig` names; else the files of `KUBECONFIG`, separated
  /// by colons, of which the missing ones are skipped and the first wins for every entry; else `~/.kube/config`; else the service
  /// account of the pod that we run in. Files are read once, here; only credentials and certificates that rotate are read again.
  /// Where the cluster's entry has no `proxy-url`, the environment's `HTTPS_PROXY` and `NO_PROXY` count, as with kubectl.
  /// - Parameters:
  ///   - kubeconfig: a path; an empty one counts as none.
  ///   - context: the context to use instead of the current one; an empty one counts as none. The service account has no contexts.
  ///   - environment: `KUBECONFIG`, `HOME`, `KUBERNETES_SERVICE_HOST` and `KUBERNETES_SERVICE_PORT` are looked up in it, and the proxy's
  ///     variables.
  /// - Throws: `ConfigurationError`, which names the file, the line and the entry.
  public static func load(
    kubeconfig: String? = nil, context: String? = nil, environment: [String: String]
  ) throws(ConfigurationError) -> ClusterConfiguration {
    try ConfigurationSearch(environment: environment).load(kubeconfig: kubeconfig, context: context)
  }
}

/// The places where a configuration may be, in their order.
struct ConfigurationSearch {
  var environment: [String: String]
  /// Stands before the path of the service account's files.
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

  /// What the files say that nobody named; empty where there are none, or nothing in them.
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
      // In a pod the home directory may well be somebody else's.
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
  /// `nil` also for the empty string, which is how shells and manifests say "none".
  var nonEmpty: String? {
    isEmpty ? nil : self
  }
}

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
