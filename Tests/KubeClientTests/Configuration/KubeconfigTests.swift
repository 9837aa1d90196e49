import Testing

@testable import KubeClient

@Suite("What a kubeconfig says")
struct KubeconfigTests {
  let directory: ConfigurationDirectory

  init() throws { directory = try ConfigurationDirectory() }

  private func load(_ text: String, context: String? = nil) throws -> ClusterConfiguration {
    try directory.load(kubeconfig: try directory.write("config", text), context: context)
  }

  @Test func allOfAContext() throws {
    let configuration = try load(
      kubeconfig(
        cluster: """
          server: 'https://[fd00::1]:6443/prefix/', tls-server-name: api.test, certificate-authority-data: \(encoded(certificate)),
              proxy-url: 'socks5://me:pw@proxy.test:1080'
          """,
        user: """
          token: t0ken, client-certificate-data: \(encoded(certificate)), client-key-data: \(encoded(key)), as: jane, as-uid: '7',
              as-groups: [ops, dev], as-user-extra: {scopes: [view]}
          """,
        context: "namespace: shop"))
    #expect(configuration.server == "https://[fd00::1]:6443/prefix")
    #expect(
      configuration.tls
        == ClusterTLS(
          certificateAuthorities: .data(Secret(certificate)), clientCertificate: .data(Secret(certificate)), clientKey: .data(Secret(key)),
          serverName: "api.test"))
    #expect(configuration.credentials == .token(Secret("t0ken")))
    #expect(configuration.impersonation == Impersonation(user: "jane", uid: "7", groups: ["ops", "dev"], extra: ["scopes": ["view"]]))
    #expect(configuration.proxy?.description == "socks5://proxy.test:1080")
    #expect(configuration.defaultNamespace == "shop")
    #expect(configuration.origin == "\(directory.path)/config, context \"main\"")
  }

  @Test("R24: no authority means the system's, and never no check") func noAuthorityMeansTheSystemsAndNeverNoCheck() throws {
    let tls = try load(kubeconfig()).tls
    #expect(tls.certificateAuthorities == nil)
    #expect(!tls.skipsVerification)
  }

  @Test func verificationIsSkippedOnlyByItsName() throws {
    #expect(try load(kubeconfig(cluster: "server: https://h, insecure-skip-tls-verify: true")).tls.skipsVerification)
    #expect(try !load(kubeconfig(cluster: "server: https://h, insecure-skip-tls-verify: false")).tls.skipsVerification)
  }

  @Test(arguments: [
    ("username: me, password: pw", ClusterCredentials.basic(user: "me", password: Secret("pw"))),
    ("token: t", .token(Secret("t"))), ("token: 12345", .token(Secret("12345"))), ("", .none), ("token: ''", .none),
    ("tokenFile: /nowhere/token, token: t", .tokenFile(path: "/nowhere/token", initial: Secret("t"))),
  ])
  func credentials(user: String, credentials: ClusterCredentials) throws {
    #expect(try load(kubeconfig(user: user)).credentials == credentials)
  }

  @Test func aContextMayHaveNoUser() throws {
    let configuration = try load(kubeconfig().replacing("cluster: c, user: u", with: "cluster: c"))
    #expect(configuration.credentials == .none)
  }

  @Test func anotherContextsFaultsDoNotMatter() throws {
    let text = kubeconfig() + "\n- name: other\n  context: {cluster: nowhere}\n"
    #expect(try load(text).server == "https://10.0.0.1:6443")
  }

  @Test func keysThatWeDoNotKnowAreLeftAlone() throws {
    let text = kubeconfig(cluster: "server: https://h, extensions: [{name: x, extension: {a: 1}}]") + "\npreferences: {colors: true}\n"
    #expect(try load(text).server == "https://h")
  }

  @Test("R23: relative paths start from their file") func relativePathsStartFromTheirFile() throws {
    let authorities = try directory.write("sub/pki/ca.crt", certificate)
    let clientCertificate = try directory.write("sub/client.crt", certificate)
    let clientKey = try directory.write("client.key", key)
    let token = try directory.write("sub/token", "t")
    let path = try directory.write(
      "sub/config",
      kubeconfig(
        cluster: "server: https://h, certificate-authority: pki/ca.crt",
        user: "client-certificate: client.crt, client-key: \(clientKey), tokenFile: token"))
    let configuration = try directory.load(kubeconfig: path)
    #expect(
      configuration.tls
        == ClusterTLS(
          certificateAuthorities: .file(authorities), clientCertificate: .file(clientCertificate), clientKey: .file(clientKey)))
    #expect(configuration.credentials == .tokenFile(path: token, initial: nil))
  }

  @Test("R24: data goes before a path") func dataGoesBeforeAPath() throws {
    let configuration = try load(
      kubeconfig(
        cluster: "server: https://h, certificate-authority: /nowhere/ca.crt, certificate-authority-data: \(encoded(certificate))",
        user: """
          client-certificate: /nowhere/crt, client-certificate-data: \(encoded(certificate)), client-key: /nowhere/key,
              client-key-data: \(encoded(key))
          """))
    #expect(configuration.tls.certificateAuthorities == .data(Secret(certificate)))
    #expect(configuration.tls.clientCertificate == .data(Secret(certificate)))
    #expect(configuration.tls.clientKey == .data(Secret(key)))
  }

  @Test func base64MayBeBrokenIntoLines() throws {
    let folded = encoded(certificate).enumerated().map { $0.offset % 20 == 19 ? "\($0.element)\n      " : "\($0.element)" }.joined()
    let text = kubeconfig().replacing(
      "cluster: {server: https://10.0.0.1:6443}",
      with: """
        cluster:
            server: https://h
            certificate-authority-data: |
              \(folded)
        """)
    #expect(try load(text).tls.certificateAuthorities == .data(Secret(certificate)))
  }
}
