import Testing

@testable import KubeClient

@Suite struct ProxyEnvironmentTests {
  let directory: ConfigurationDirectory

  init() throws { directory = try ConfigurationDirectory() }

  private func proxy(_ variables: [String: String], for server: String = "https://api.example:6443") throws -> String? {
    try ProxyEnvironment(variables).proxy(for: server)?.url.revealedText
  }

  @Test(
    arguments: [
      (["HTTPS_PROXY": "http://p:3128"], "https://api.example", "http://p:3128"),
      (["https_proxy": "http://p:3128"], "https://api.example", "http://p:3128"),
      (["https_proxy": "http://lower:1", "HTTPS_PROXY": "http://upper:2"], "https://api.example", "http://upper:2"),
      (["https_proxy": "http://lower:1", "HTTPS_PROXY": ""], "https://api.example", "http://lower:1"),
      (["HTTP_PROXY": "http://p:3128"], "https://api.example", nil),
      (["HTTP_PROXY": "http://p:3128", "HTTPS_PROXY": "http://q:3128"], "http://api.example", "http://p:3128"),
      (["ALL_PROXY": "http://p:3128"], "https://api.example", nil),
      (["HTTPS_PROXY": "p:3128"], "https://api.example", "http://p:3128"),
      (["HTTPS_PROXY": "socks5://me:pw@p:1080"], "https://api.example", "socks5://me:pw@p:1080"),
      ([:], "https://api.example", nil),
    ] as [([String: String], String, String?)])
  func `the scheme selects the variable, and upper case takes precedence`(variables: [String: String], server: String, expected: String?)
    throws
  {
    #expect(try proxy(variables, for: server) == expected)
  }

  @Test(
    arguments: [
      ("api.example", "*", true), ("api.example", "example", true), ("api.example", "api.example", true),
      ("api.example", "API.Example", true),
      ("api.example", ".example", true), ("api.example", "*.example", true), ("example", ".example", false), ("example", "example", true),
      ("api.example", "other, example", true), ("api.example", "pi.example", false), ("api.example", "", false),
      ("api.example", ",, ,", false),
      ("api.example:6443", "api.example:6443", true), ("api.example:6443", "api.example:443", false),
      ("api.example", "api.example:443", true),
      ("10.96.0.1", "10.96.0.0/12", true), ("10.112.0.1", "10.96.0.0/12", false), ("10.96.0.1", "10.96.0.1", true),
      ("10.96.0.1", "10.96", false),
      ("10.96.0.1:443", "10.96.0.1:443", true), ("10.96.0.1:6443", "10.96.0.1:443", false), ("10.96.0.1", "0.0.0.0/0", true),
      ("10.96.0.1", "10.96.0.0/33", false), ("[fd00::1]:6443", "fd00::/8", true), ("[fd00::1]:6443", "fd00::1", true),
      ("[fd00::1]:6443", "[fd00::1]:6443", true), ("[fd00::1]:6443", "10.0.0.0/8", false), ("[fd00::1]", "fe00::/8", false),
      ("[fe80::1%25eth0]:6443", "fe80::1", true), ("[fe80::1%25eth0]:6443", "fe80::/10", true),
      ("[fe80::1%25eth0]:6443", "fe80::1%eth0", true),
      ("[fe80::1%25eth0]:6443", "[fe80::1%25eth0]:6443", true), ("[fe80::1%25eth0]:6443", "fe80::1%eth1", false),
      ("[fe80::1]:6443", "fe80::1%eth0", false), ("[fe80::1%25x.example]:6443", ".example", false),
      ("[fe80::1%25x.example]", "example", false),
      ("10.96.0.1", "0.1", false), ("10.96.0.1", ".1", false),
      ("localhost:6443", "", true), ("127.8.9.10:6443", "", true), ("[::1]:6443", "", true),
    ])
  func `R85: NO_PROXY and loopback addresses bypass the proxy`(server: String, list: String, isDirect: Bool) throws {
    let found = try proxy(["HTTPS_PROXY": "http://p:3128", "NO_PROXY": list], for: "https://\(server)/prefix")
    #expect(found == (isDirect ? nil : "http://p:3128"))
  }

  @Test(
    arguments: ["ftp://me:hunter2@p", "http://", "socks4://hunter2"])
  func `an invalid variable is named without its value`(value: String) throws {
    let error = try #require(#expect(throws: ConfigurationError.self) { try proxy(["https_proxy": value]) })
    #expect(error.description.hasPrefix("the environment: https_proxy: it is not a URL with a host"))
    #expect(!error.description.contains("hunter2"))
    #expect(try proxy(["https_proxy": value, "NO_PROXY": "api.example"]) == nil)
  }

  @Test func `the environment applies to kubeconfigs without proxy-url and to the service account`() throws {
    let environment = ["HTTPS_PROXY": "http://me:pw@p:3128", "NO_PROXY": "10.0.0.2"]
    let plain = try directory.write("plain", kubeconfig())
    #expect(try directory.load(kubeconfig: plain, environment: environment).proxy?.description == "http://p:3128")
    let own = try directory.write("own", kubeconfig(cluster: "server: https://10.0.0.1:6443, proxy-url: 'http://own:1'"))
    #expect(try directory.load(kubeconfig: own, environment: environment).proxy?.description == "http://own:1")
    let except = try directory.write("except", kubeconfig(cluster: "server: https://10.0.0.2:6443"))
    #expect(try directory.load(kubeconfig: except, environment: environment).proxy == nil)
    #expect(try directory.load(kubeconfig: plain).proxy == nil)

    try directory.write("var/run/secrets/kubernetes.io/serviceaccount/token", "t")
    let pod = environment.merging(["KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"]) { _, new in new }
    #expect(try directory.load(environment: pod).proxy?.description == "http://p:3128")
  }
}
