import Testing

@testable import KubeClient

@Suite struct ConfigurationSearchTests {
  let directory: ConfigurationDirectory

  init() throws { directory = try ConfigurationDirectory() }

  private func config(server: String, context: String = "main") -> String {
    kubeconfig(cluster: "server: https://\(server)").replacing("main", with: context)
  }

  @Test func `R23: an explicit file takes precedence`() throws {
    let explicit = try directory.write("explicit", config(server: "explicit"))
    let listed = try directory.write("listed", config(server: "listed"))
    try directory.write("home/.kube/config", config(server: "home"))
    let environment = ["KUBECONFIG": listed, "HOME": "\(directory.path)/home"]
    #expect(try directory.load(kubeconfig: explicit, environment: environment).server == "https://explicit")
    #expect(try directory.load(kubeconfig: "", environment: environment).server == "https://listed")
    #expect(try directory.load(environment: ["KUBECONFIG": "", "HOME": "\(directory.path)/home"]).server == "https://home")
  }

  @Test func `R23: a missing explicit file is an error`() throws {
    let listed = try directory.write("listed", config(server: "listed"))
    let error = try #require(throws: ConfigurationError.self) {
      try directory.load(kubeconfig: "\(directory.path)/nowhere", environment: ["KUBECONFIG": listed])
    }
    #expect(error == .unreadable(path: "\(directory.path)/nowhere", usedBy: "kubeconfig", reason: "No such file or directory"))
  }

  @Test func `R23: the first file of KUBECONFIG wins for each entry`() throws {
    let first = try directory.write(
      "first",
      """
      clusters:
      - {name: shared, cluster: {server: https://first}}
      contexts:
      - {name: a, context: {cluster: shared}}
      """)
    let second = try directory.write(
      "second",
      """
      current-context: b
      clusters:
      - {name: shared, cluster: {server: https://second, tls-server-name: second}}
      - {name: own, cluster: {server: https://own}}
      contexts:
      - {name: a, context: {cluster: own}}
      - {name: b, context: {cluster: shared, namespace: n}}
      """)
    let third = try directory.write("third", "current-context: a\n")
    let environment = ["KUBECONFIG": "\(first)::\(directory.path)/missing:\(second):\(third)"]
    let current = try directory.load(environment: environment)
    #expect(current.server == "https://first")
    #expect(current.tls.serverName == nil, "entries are not merged")
    #expect(current.defaultNamespace == "n", "the first current-context is the second file's")
    #expect(try directory.load(context: "a", environment: environment).server == "https://first")
  }

  @Test func `R23: if all files of KUBECONFIG are missing, the service account is used`() throws {
    try directory.write("home/.kube/config", config(server: "home"))
    try directory.write("var/run/secrets/kubernetes.io/serviceaccount/token", "t")
    let environment = [
      "KUBECONFIG": "\(directory.path)/missing", "HOME": "\(directory.path)/home", "KUBERNETES_SERVICE_HOST": "10.0.0.1",
      "KUBERNETES_SERVICE_PORT": "443",
    ]
    #expect(try directory.load(environment: environment).server == "https://10.0.0.1:443")
  }

  @Test func `R23: an unreadable file of KUBECONFIG is an error`() throws {
    let environment = ["KUBECONFIG": "\(directory.path)/missing:\(directory.path)"]
    let error = try #require(throws: ConfigurationError.self) { try directory.load(environment: environment) }
    #expect(error.description.contains("Is a directory"))
  }

  @Test func `without any configuration the error names all sources`() throws {
    let error = try #require(throws: ConfigurationError.self) { try directory.load(environment: ["HOME": "/nobody"]) }
    #expect(error.description.contains("/nobody/.kube/config (No such file or directory)"))
    #expect(error.description.contains("KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set"))
    let listed = try #require(throws: ConfigurationError.self) { try directory.load(environment: ["KUBECONFIG": "/dev/null:/nowhere"]) }
    #expect(listed.description.contains("/dev/null (of KUBECONFIG), which is empty; /nowhere (of KUBECONFIG), which does not exist"))
    let homeless = try #require(throws: ConfigurationError.self) { try directory.load() }
    #expect(homeless.description.contains("HOME is not set"))
  }

  @Test func `a service account has no contexts`() throws {
    try directory.write("var/run/secrets/kubernetes.io/serviceaccount/token", "t")
    let environment = ["KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"]
    let error = try #require(throws: ConfigurationError.self) { try directory.load(context: "staging", environment: environment) }
    #expect(error.description.contains("no context \"staging\""))
  }
}
