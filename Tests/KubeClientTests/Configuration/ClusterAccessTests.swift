import HTTPTransport
import Logging
import Testing

@testable import KubeClient

@Suite struct ClusterAccessTests {
  let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

  private func prepared(_ configuration: ClusterConfiguration) async throws -> HTTPRequest {
    var request = HTTPRequest(url: "/api/v1/nodes?limit=5", headers: [HTTPHeader("Accept", "application/json")])
    try await ClusterAccess(configuration, logger: logger).prepare(&request)
    return request
  }

  @Test func `a request has the server, TLS settings and proxy`() async throws {
    let request = try await prepared(
      ClusterConfiguration(
        server: "https://h:6443/prefix",
        tls: ClusterTLS(
          certificateAuthorities: .file("/ca.crt"), clientCertificate: .data(Secret("c")), clientKey: .data(Secret("k")), serverName: "api"),
        proxy: ProxyServer(url: "http://me:pw@proxy:3128")))
    #expect(request.url == "https://h:6443/prefix/api/v1/nodes?limit=5")
    #expect(
      request.tls
        == TLSOptions(
          certificateAuthorities: .file("/ca.crt"), clientCertificate: .memory(Array("c".utf8)), clientKey: .memory(Array("k".utf8)),
          serverName: "api", verification: .full))
    #expect(request.proxy == "http://me:pw@proxy:3128")
    #expect(request.headers == [HTTPHeader("Accept", "application/json")])
  }

  @Test func `R24: without authorities the system's are used to verify`() async throws {
    let tls = try #require(try await prepared(ClusterConfiguration(server: "https://h")).tls)
    #expect(tls == TLSOptions(verification: .full))
    let skipping = try await prepared(ClusterConfiguration(server: "https://h", tls: ClusterTLS(skipsVerification: true)))
    #expect(skipping.tls == TLSOptions(verification: .none))
  }

  @Test func `a SOCKS proxy resolves the server's name`() async throws {
    let request = try await prepared(ClusterConfiguration(server: "https://h", proxy: ProxyServer(url: "SOCKS5://me:pw@p:1080")))
    #expect(request.proxy == "socks5h://me:pw@p:1080")
  }

  @Test(arguments: [
    (ClusterCredentials.none, nil), (.token(Secret("abc")), "Bearer abc"),
    // RFC 7617, section 2.
    (.basic(user: "Aladdin", password: Secret("open sesame")), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
  ])
  func `credentials become an Authorization header`(credentials: ClusterCredentials, header: String?) async throws {
    let request = try await prepared(ClusterConfiguration(server: "https://h", credentials: credentials))
    #expect(request.headers.first { $0.name == "Authorization" }?.value == header)
  }

  @Test func `R20: a rotated token is sent after a 401`() async throws {
    let directory = try ConfigurationDirectory()
    let path = try directory.write("token", "one")
    let access = try ClusterAccess(
      ClusterConfiguration(server: "https://h", credentials: .tokenFile(path: path, initial: nil)), logger: logger)
    #expect(access.canRefreshCredentials)
    var first = HTTPRequest(url: "/")
    try await access.prepare(&first)
    try directory.write("token", "two")
    access.refuseCredentials(of: first)
    var second = HTTPRequest(url: "/")
    try await access.prepare(&second)
    #expect(first.headers == [HTTPHeader("Authorization", "Bearer one")])
    #expect(second.headers == [HTTPHeader("Authorization", "Bearer two")])
  }

  @Test func `a request without a token is not prepared`() async throws {
    let access = try ClusterAccess(
      ClusterConfiguration(server: "https://h", credentials: .tokenFile(path: "/nowhere/token", initial: nil)), logger: logger)
    await #expect(throws: ConfigurationError.self) {
      var request = HTTPRequest(url: "/")
      try await access.prepare(&request)
    }
  }

  @Test func `impersonation is sent in headers`() async throws {
    let impersonation = Impersonation(
      user: "jane", uid: "7", groups: ["ops", "dev"], extra: ["acme.com/project": ["a", "b"], "scopes": ["view"]])
    let request = try await prepared(ClusterConfiguration(server: "https://h", impersonation: impersonation))
    #expect(
      request.headers.dropFirst() == [
        HTTPHeader("Impersonate-User", "jane"), HTTPHeader("Impersonate-Uid", "7"), HTTPHeader("Impersonate-Group", "ops"),
        HTTPHeader("Impersonate-Group", "dev"), HTTPHeader("Impersonate-Extra-acme.com%2Fproject", "a"),
        HTTPHeader("Impersonate-Extra-acme.com%2Fproject", "b"), HTTPHeader("Impersonate-Extra-scopes", "view"),
      ])
  }

  @Test(
    arguments: [
      ClusterConfiguration(server: "http://h", credentials: .token(Secret("hunter2"))),
      ClusterConfiguration(server: "http://h", credentials: .tokenFile(path: "/t", initial: nil)),
      ClusterConfiguration(server: "http://h", tls: ClusterTLS(clientCertificate: .file("/c"), clientKey: .file("/k"))),
      ClusterConfiguration(server: "h:443"),
      ClusterConfiguration(server: "https://h", tls: ClusterTLS(certificateAuthorities: .file("/ca"), skipsVerification: true)),
      ClusterConfiguration(server: "https://h", credentials: .token(Secret("hunter2\r\nX: y"))),
    ])
  func `R26: a configuration made by the program is validated, too`(configuration: ClusterConfiguration) throws {
    let error = try #require(throws: ConfigurationError.self) { try ClusterAccess(configuration, logger: logger) }
    #expect(error.description.hasPrefix("the program: cluster configuration: "))
    #expect(!error.description.contains("hunter2"))
  }

  @Test func `anonymous requests may use plain HTTP`() async throws {
    let request = try await prepared(ClusterConfiguration(server: "http://127.0.0.1:8001"))
    #expect(request.url == "http://127.0.0.1:8001/api/v1/nodes?limit=5")
    #expect(request.tls == nil)
  }
}
