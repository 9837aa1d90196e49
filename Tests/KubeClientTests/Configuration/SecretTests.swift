import Testing

@testable import KubeClient

/// Secrets appear in no description and no dump (R26).
@Suite struct SecretTests {
  let configuration = ClusterConfiguration(
    server: "https://h", tls: ClusterTLS(clientCertificate: .data(Secret("hunter2")), clientKey: .data(Secret("hunter2"))),
    credentials: .token(Secret("hunter2")), proxy: ProxyServer(url: "http://me:hunter2@proxy:3128"))

  /// All texts that Swift makes of a value.
  private func texts(of value: Any) -> [String] {
    var dumped = ""
    dump(value, to: &dumped)
    return ["\(value)", String(describing: value), String(reflecting: value), dumped, mirrored(value)]
  }

  private func mirrored(_ value: Any) -> String {
    Mirror(reflecting: value).children.map { "\($0.label ?? ""): \($0.value) \(mirrored($0.value))" }.joined(separator: "\n")
  }

  private func showsSecret(_ text: String) -> Bool {
    // As text, and as the bytes of "hunter".
    text.contains("hunter2") || text.contains("104, 117, 110") || text.contains("- 104")
  }

  @Test func `the test detects an unprotected secret`() {
    #expect(texts(of: ["token": "hunter2"]).allSatisfy(showsSecret))
    #expect(texts(of: ["token": Array("hunter2".utf8)]).allSatisfy { showsSecret($0) })
  }

  @Test func `a Secret hides its bytes`() {
    #expect(texts(of: Secret("hunter2")).allSatisfy { !showsSecret($0) })
    #expect("\(Secret("hunter2"))" == "(redacted)")
  }

  @Test(arguments: [
    ClusterCredentials.token(Secret("hunter2")), .tokenFile(path: "/t", initial: Secret("hunter2")),
    .basic(user: "me", password: Secret("hunter2")),
  ])
  func `credentials hide their secrets`(credentials: ClusterCredentials) {
    var configuration = configuration
    configuration.credentials = credentials
    #expect(texts(of: credentials).allSatisfy { !showsSecret($0) })
    #expect(texts(of: configuration).allSatisfy { !showsSecret($0) })
  }

  @Test func `a proxy hides its password`() throws {
    let proxy = try #require(ProxyServer(url: "SOCKS5://me:hunter2@proxy:1080/x"))
    #expect(texts(of: proxy).allSatisfy { !showsSecret($0) })
    #expect(proxy.description == "socks5://proxy:1080")
  }

  @Test func `secrets compare by content`() {
    #expect(Secret("a") == Secret([0x61]))
    #expect(Secret("a") != Secret("b"))
    #expect(Secret("é").revealedText == "é")
  }
}
