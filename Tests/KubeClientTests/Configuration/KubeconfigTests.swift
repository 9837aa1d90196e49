import Testing

@testable import KubeClient

@Suite struct KubeconfigTests {
  let directory: ConfigurationDirectory

  init() throws { directory = try ConfigurationDirectory() }

  private func load(_ text: String, context: String? = nil) throws -> ClusterConfiguration {
    try directory.load(kubeconfig: try directory.write("config", text), context: context)
  }

  @Test func `all fields of a context`() throws {
    let configuration = try load(
      kubeconfig(
        cluster: """
          server: 'https://[fd00::1]:6443/prefix/', tls-server-name: api.test, certificate-authority-data: \(PEMSample.encodedCertificate),
              proxy-url: 'socks5://me:pw@proxy.test:1080'
          """,
        user: """
          token: t0ken, client-certificate-data: \(PEMSample.encodedCertificate), client-key-data: \(PEMSample.encodedKey), as: jane, as-uid: '7',
              as-groups: [ops, dev], as-user-extra: {scopes: [view]}
          """,
        context: "namespace: shop"))
    #expect(configuration.server == "https://[fd00::1]:6443/prefix")
    #expect(
      configuration.tls
        == ClusterTLS(
          certificateAuthorities: .data(Secret(PEMSample.certificate)), clientCertificate: .data(Secret(PEMSample.certificate)),
          clientKey: .data(Secret(PEMSample.key)),
          serverName: "api.test"))
    #expect(configuration.credentials == .token(Secret("t0ken")))
    #expect(configuration.impersonation == Impersonation(user: "jane", uid: "7", groups: ["ops", "dev"], extra: ["scopes": ["view"]]))
    #expect(configuration.proxy?.description == "socks5://proxy.test:1080")
    #expect(configuration.defaultNamespace == "shop")
    #expect(configuration.origin == "\(directory.path)/config, context \"main\"")
  }

  @Test(arguments: [
    ("server: '10.0.0.1:6443'", "http://10.0.0.1:6443"), ("server: localhost", "http://localhost"),
    ("server: '[fd00::1]:6443/'", "http://[fd00::1]:6443"),
    ("server: 'h:6443', insecure-skip-tls-verify: true", "https://h:6443"),
    ("server: 'h:6443', certificate-authority-data: \(PEMSample.encodedCertificate)", "https://h:6443"),
    ("server: 'h:6443', tls-server-name: api.test", "http://h:6443"),
  ])
  func `R85: a server without a scheme is reached by https if TLS is configured`(cluster: String, server: String) throws {
    #expect(try load(kubeconfig(cluster: cluster, user: "")).server == server)
  }

  @Test func `R85: a client certificate is TLS, too`() throws {
    let user = "client-certificate-data: \(PEMSample.encodedCertificate), client-key-data: \(PEMSample.encodedKey)"
    #expect(try load(kubeconfig(cluster: "server: 'h:6443'", user: user)).server == "https://h:6443")
  }

  @Test(arguments: Encoding.allCases)
  func `R85: a byte order mark before several lines is skipped`(encoding: Encoding) throws {
    var config = Kubeconfig()
    try config.merge(encoding.bytes(of: kubeconfig(context: "namespace: küche")), of: "config")
    #expect(try config.resolve(context: nil).defaultNamespace == "küche")
  }

  @Test func `R85: kind and apiVersion may be missing or empty`() throws {
    for head in ["", "apiVersion: ''\nkind: ''\n", "apiVersion: v1\n", "apiVersion:\nkind: Config\n"] {
      var config = Kubeconfig()
      try config.merge(Array((head + "current-context: c\n").utf8), of: "config")
      #expect(config.currentContext == "c")
    }
  }

  @Test func `R85: names that differ in Unicode normalization are two`() throws {
    let (composed, decomposed) = ("caf\u{E9}", "cafe\u{301}")
    let text = """
      clusters:
      - {name: \(composed), cluster: {server: "https://one"}}
      - {name: \(decomposed), cluster: {server: "https://two"}}
      contexts:
      - {name: a, context: {cluster: \(composed)}}
      - {name: b, context: {cluster: \(decomposed)}}
      """
    #expect(try load(text, context: "a").server == "https://one")
    #expect(try load(text, context: "b").server == "https://two")
  }

  @Test func `R24: without an authority the system's are used to verify`() throws {
    let tls = try load(kubeconfig()).tls
    #expect(tls.certificateAuthorities == nil)
    #expect(!tls.skipsVerification)
  }

  @Test func `only insecure-skip-tls-verify disables verification`() throws {
    #expect(try load(kubeconfig(cluster: "server: https://h, insecure-skip-tls-verify: true")).tls.skipsVerification)
    #expect(try !load(kubeconfig(cluster: "server: https://h, insecure-skip-tls-verify: false")).tls.skipsVerification)
  }

  @Test(arguments: [
    ("username: me, password: pw", ClusterCredentials.basic(user: "me", password: Secret("pw"))),
    ("token: t", .token(Secret("t"))), ("token: 12345", .token(Secret("12345"))), ("", .none), ("token: ''", .none),
    ("tokenFile: /nowhere/token, token: t", .tokenFile(path: "/nowhere/token", initial: Secret("t"))),
  ])
  func `credentials of a user`(user: String, credentials: ClusterCredentials) throws {
    #expect(try load(kubeconfig(user: user)).credentials == credentials)
  }

  @Test func `a context may have no user`() throws {
    let configuration = try load(kubeconfig().replacing("cluster: c, user: u", with: "cluster: c"))
    #expect(configuration.credentials == .none)
  }

  @Test func `errors in another context are ignored`() throws {
    let text = kubeconfig() + "\n- name: other\n  context: {cluster: nowhere}\n"
    #expect(try load(text).server == "https://10.0.0.1:6443")
  }

  @Test func `unknown keys are ignored`() throws {
    let text = kubeconfig(cluster: "server: https://h, extensions: [{name: x, extension: {a: 1}}]") + "\npreferences: {colors: true}\n"
    #expect(try load(text).server == "https://h")
  }

  @Test func `R23: paths are relative to their file`() throws {
    let authorities = try directory.write("sub/pki/ca.crt", PEMSample.certificate)
    let clientCertificate = try directory.write("sub/client.crt", PEMSample.certificate)
    let clientKey = try directory.write("client.key", PEMSample.key)
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

  @Test func `R24: data takes precedence over a path`() throws {
    let configuration = try load(
      kubeconfig(
        cluster: "server: https://h, certificate-authority: /nowhere/ca.crt, certificate-authority-data: \(PEMSample.encodedCertificate)",
        user: """
          client-certificate: /nowhere/crt, client-certificate-data: \(PEMSample.encodedCertificate), client-key: /nowhere/key,
              client-key-data: \(PEMSample.encodedKey)
          """))
    #expect(configuration.tls.certificateAuthorities == .data(Secret(PEMSample.certificate)))
    #expect(configuration.tls.clientCertificate == .data(Secret(PEMSample.certificate)))
    #expect(configuration.tls.clientKey == .data(Secret(PEMSample.key)))
  }

  @Test func `base64 may have line breaks`() throws {
    let folded = PEMSample.encodedCertificate.enumerated().map { $0.offset % 20 == 19 ? "\($0.element)\n      " : "\($0.element)" }.joined()
    let text = kubeconfig().replacing(
      "cluster: {server: https://10.0.0.1:6443}",
      with: """
        cluster:
            server: https://h
            certificate-authority-data: |
              \(folded)
        """)
    #expect(try load(text).tls.certificateAuthorities == .data(Secret(PEMSample.certificate)))
  }
}

enum Encoding: CaseIterable {
  case utf8, utf16LittleEndian, utf16BigEndian

  /// The text with a byte order mark.
  func bytes(of text: String) -> [UInt8] {
    let text = "\u{FEFF}" + text
    return switch self {
    case .utf8: Array(text.utf8)
    case .utf16LittleEndian: text.utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
    case .utf16BigEndian: text.utf16.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
    }
  }
}
