import Testing

@testable import KubeClient

@Suite struct ServiceAccountTests {
  let directory: ConfigurationDirectory
  let files = "var/run/secrets/kubernetes.io/serviceaccount"

  init() throws { directory = try ConfigurationDirectory() }

  private func load(host: String = "10.96.0.1") throws(ConfigurationError) -> ClusterConfiguration {
    try directory.load(environment: ["KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": "443"])
  }

  @Test func `the configuration is read from the mounted files`() throws {
    let token = try directory.write("\(files)/token", "abc\n")
    let authorities = try directory.write("\(files)/ca.crt", PEMSample.certificate)
    try directory.write("\(files)/namespace", "monitoring\n")
    let configuration = try load()
    #expect(configuration.server == "https://10.96.0.1:443")
    #expect(configuration.credentials == .tokenFile(path: token, initial: nil))
    #expect(configuration.tls == ClusterTLS(certificateAuthorities: .file(authorities)))
    #expect(configuration.defaultNamespace == "monitoring")
  }

  @Test func `R24: without an authority the system's are used`() throws {
    try directory.write("\(files)/token", "abc")
    let configuration = try load()
    #expect(configuration.tls == ClusterTLS())
    #expect(configuration.defaultNamespace == "default")
  }

  @Test func `an IPv6 address gets brackets`() throws {
    try directory.write("\(files)/token", "abc")
    #expect(try load(host: "fd00::1").server == "https://[fd00::1]:443")
  }

  @Test func `an error without a token names its file`() throws {
    let error = try #require(throws: ConfigurationError.self) { try load() }
    #expect(error.description.contains("\(directory.path)/\(files)/token: No such file or directory"))
  }
}
