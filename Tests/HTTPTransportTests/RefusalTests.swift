import HTTPTransport
import TestSupport
import Testing

@testable import HTTPTransport

/// Requests that are rejected before anything is sent: the server never sees a connection.
@Suite struct RefusalTests {
  private func refused(_ change: (inout HTTPRequest) -> Void) async throws -> HTTPTransportError? {
    let server = try ScriptedServer { _ in }
    let transport = try HTTPTransport()
    var request = HTTPRequest(url: server.url + "/")
    change(&request)
    let error = await transportError { try await transport.send(request) }
    #expect(server.acceptedConnections == 0)
    return error
  }

  @Test(arguments: [
    HTTPHeader("X-A", "one\r\nX-B: two"), HTTPHeader("X-A", "one\nX-B: two"), HTTPHeader("X-A", "one\rX-B"), HTTPHeader("X-A", "nul\u{0}"),
    HTTPHeader("X-A\r\nX-B", "one"), HTTPHeader("X A", "one"), HTTPHeader("X-A:", "one"), HTTPHeader("", "one"),
    HTTPHeader("Content-Length", "3"), HTTPHeader("transfer-encoding", "chunked"),
  ])
  func `invalid headers are rejected`(header: HTTPHeader) async throws {
    let error = try await refused { $0.headers = [header] }
    #expect(error?.kind == "badRequest")
    #expect(error?.description.contains("nul") == false)
  }

  @Test(arguments: ["GET /other HTTP/1.1\r\n", "", "GE T"])
  func `invalid methods are rejected`(method: String) async throws {
    #expect(try await refused { $0.method = method }?.kind == "badRequest")
  }

  @Test(arguments: [
    "http://127.0.0.1/a b", "http://127.0.0.1/\r\nX: y", "http://127.0.0.1/\u{e9}", "ftp://127.0.0.1/", "file:///etc/passwd",
    "gopher://127.0.0.1/",
    "/metrics", "127.0.0.1:80", "", "http://", "http://127.0.0.1:99999/",
  ])
  func `invalid URLs are rejected`(url: String) async throws {
    #expect(try await refused { $0.url = url }?.kind == "badRequest")
  }

  @Test func `invalid options are rejected`() async throws {
    #expect(try await refused { $0.unixSocket = String(repeating: "s", count: 108) }?.kind == "badRequest")
    #expect(try await refused { $0.unixSocket = "/tmp/a\u{0}b" }?.kind == "badRequest")
    #expect(try await refused { $0.connectTo = ConnectTo(host: "127.0.0.1:1,evil", port: 80) }?.kind == "badRequest")
    #expect(try await refused { $0.connectTo = ConnectTo(host: "127.0.0.1", port: 0) }?.kind == "badRequest")
    #expect(try await refused { $0.proxy = "gopher://127.0.0.1:1" }?.kind == "badRequest")
    #expect(try await refused { $0.tls = TLSOptions(serverName: "a/b") }?.kind == "badRequest")
    #expect(
      try await refused {
        $0.proxy = "http://127.0.0.1:1"
        $0.addressPolicy = .publicOnly
      }?.kind == "badRequest")
    #expect(
      try await refused {
        $0.method = "HEAD"
        $0.body = [1]
      }?.kind == "badRequest")
  }

  @Test func `R26: messages contain no credentials`() async throws {
    let error = try #require(
      try await refused { $0.url = "gopher://user:pass%40word@host.example/path?token=hush&watch=1&hush#hush" })
    #expect(error.description.contains("GET gopher://host.example/path?token=…&watch=…&…"))
    for secret in ["user", "pass", "hush"] { #expect(!error.description.contains(secret)) }
    let options = TLSOptions(clientKey: .memory(Array("-----BEGIN PRIVATE KEY-----".utf8)))
    #expect(!"\(options)".contains("45, 45"))
  }

  @Test(arguments: [
    ("https://a:b@c:d@host/p@q", "GET https://host/p@q"),
    ("http://host?x=a@b", "GET http://host?x=…"),
    ("http://host\r\n/x", "GET http://host/x"),
    ("user:pass@host", "GET host"),
  ])
  func `labels contain no user information and no query values`(url: String, label: String) {
    #expect(HTTPTransportError.Detail(method: "GET", url: url).request == label)
  }
}
