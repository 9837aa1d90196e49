import Foundation
import HTTPTransport
import Primitives
import TestSupport
import Testing

@Suite struct SendingTests {
  let transport: HTTPTransport

  init() throws {
    transport = try HTTPTransport()
  }

  @Test func `a request is sent as given and its response returned as received`() async throws {
    let server = try ScriptedServer { connection in
      while try connection.readRequest() != nil {
        try connection.respond(status: 201, headers: [("Set-Thing", "a"), ("set-thing", " b ")], body: "made")
      }
    }
    var request = HTTPRequest(method: "PATCH", url: server.url + "/a/../b?x=1&y=%20")
    request.headers = [HTTPHeader("X-Test", "one"), HTTPHeader("X-Empty", ""), HTTPHeader("Content-Type", "application/json")]
    request.body = Array("{\"a\": \u{0}1}".utf8)
    let response = try await transport.send(request)
    #expect(response.status == 201)
    #expect(response.headers.filter { $0.name.lowercased() == "set-thing" }.map(\.value) == ["a", "b"])
    #expect(response.header("SET-THING") == "a")
    #expect(response.body == Array("made".utf8))

    let received = try #require(server.requests.first)
    #expect(received.method == "PATCH")
    #expect(received.target == "/a/../b?x=1&y=%20")
    #expect(received.header("x-test") == "one")
    #expect(received.header("x-empty") == "")
    #expect(received.header("content-type") == "application/json")
    #expect(received.body == request.body)
    #expect(received.header("user-agent") == "rollcall/\(ProductVersion.current)")
    for absent in ["expect", "accept-encoding", "cookie", "authorization"] { #expect(received.header(absent) == nil) }
  }

  @Test(arguments: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
  func `every method works without a body`(method: String) async throws {
    let server = try ScriptedServer { connection in
      while let request = try connection.readRequest() {
        if request.method == "HEAD" {
          try connection.sendHead(status: 200, headers: [("Content-Length", "1000000000")])
        } else {
          try connection.respond(status: 200, body: "ok")
        }
      }
    }
    let response = try await transport.send(HTTPRequest(method: method, url: server.url))
    #expect(response.status == 200)
    #expect(response.body == Array((method == "HEAD" ? "" : "ok").utf8))
    let received = try #require(server.requests.first)
    #expect(received.method == method)
    #expect(received.header("content-length") == (["POST", "PUT", "PATCH"].contains(method) ? "0" : nil))
    #expect(received.header("content-type") == nil)
  }

  @Test func `a large body is sent completely`() async throws {
    let server = try ScriptedServer { connection in
      while try connection.readRequest() != nil { try connection.respond(status: 200) }
    }
    let body = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
    let response = try await transport.send(HTTPRequest(method: "POST", url: server.url, body: body))
    #expect(response.status == 200)
    #expect(server.requests.first?.body == body)
  }

  @Test func `connections are reused`() async throws {
    let server = try ScriptedServer { connection in
      while try connection.readRequest() != nil { try connection.respond(status: 200) }
    }
    for _ in 0..<5 { _ = try await transport.send(HTTPRequest(url: server.url)) }
    #expect(server.acceptedConnections == 1)
    #expect(server.requests.count == 5)
  }

  @Test func `connections are closed if the request does not keep them`() async throws {
    let server = try ScriptedServer { connection in
      while try connection.readRequest() != nil { try connection.respond(status: 200) }
    }
    var request = HTTPRequest(url: server.url)
    request.keepsConnection = false
    for count in 1...3 {
      _ = try await transport.send(request)
      try await eventually("the client has closed") { server.openConnections == 0 }
      #expect(server.acceptedConnections == count)
    }
  }

  @Test func `bodies reuse recycled buffers`() async throws {
    let sizes = [100_000, 10, 0, 50_000]
    let server = try ScriptedServer { connection in
      while let request = try connection.readRequest() {
        let size = sizes[Int(request.target.dropFirst()) ?? 0]
        try connection.respond(status: 200, body: Array(repeating: UInt8(ascii: "a") + UInt8(size % 7), count: size))
      }
    }
    let buffers = BodyBufferPool(limit: 1)
    var addresses: Set<UnsafeRawPointer> = []
    for (number, size) in sizes.enumerated() {
      var request = HTTPRequest(url: "\(server.url)/\(number)")
      request.bodyBuffers = buffers
      var response = try await transport.send(request)
      #expect(response.body == Array(repeating: UInt8(ascii: "a") + UInt8(size % 7), count: size))
      if size > 0 { response.body.withUnsafeBytes { bytes in if let base = bytes.baseAddress { addresses.insert(base) } } }
      buffers.recycle(&response)
      #expect(response.body.isEmpty)
    }
    #expect(addresses.count == 1)
  }

  @Test func `a pooled connection that the peer closed is replaced`() async throws {
    let server = try ScriptedServer { connection in
      _ = try connection.readRequest()
      try connection.respond(status: 200)
    }
    for _ in 0..<3 {
      let response = try await transport.send(HTTPRequest(url: server.url))
      #expect(response.status == 200)
      try await eventually("the server has closed") { server.openConnections == 0 }
    }
    #expect(server.acceptedConnections == 3)
  }

  @Test func `interim responses and trailers are skipped`() async throws {
    let server = try ScriptedServer { connection in
      _ = try connection.readRequest()
      try connection.send("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
      try connection.sendHead(status: 200, headers: [("Transfer-Encoding", "chunked"), ("Trailer", "X-Late")])
      try connection.sendChunk("one,")
      try connection.sendChunk("two")
      try connection.send("0\r\nX-Late: yes\r\n\r\n")
      try connection.waitForClose()
    }
    let response = try await transport.send(HTTPRequest(url: server.url))
    #expect(response.status == 200)
    #expect(response.header("link") == nil)
    #expect(response.header("x-late") == nil)
    #expect(response.body == Array("one,two".utf8))
  }

  @Test(arguments: [301, 302, 303, 307, 308])
  func `R42: a redirect is returned and not followed`(status: Int) async throws {
    let server = try ScriptedServer { connection in
      while let request = try connection.readRequest() {
        if request.target == "/elsewhere" {
          try connection.respond(status: 200)
        } else {
          try connection.respond(status: status, headers: [("Location", "/elsewhere")], body: "moved")
        }
      }
    }
    let response = try await transport.send(HTTPRequest(url: server.url + "/here"))
    #expect(response.status == status)
    #expect(response.header("Location") == "/elsewhere")
    #expect(response.body == Array("moved".utf8))
    #expect(server.requests.count == 1)
  }

  @Test func `connect-to keeps the Host header`() async throws {
    let server = try ScriptedServer { connection in
      while try connection.readRequest() != nil { try connection.respond(status: 200) }
    }
    var request = HTTPRequest(url: "http://pod.example:8080/metrics")
    request.connectTo = ConnectTo(host: "127.0.0.1", port: server.port)
    #expect(try await transport.send(request).status == 200)
    #expect(server.requests.first?.header("host") == "pod.example:8080")
  }

  @Test func `a request over a Unix socket`() async throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/socket"
    let server = try ScriptedServer(on: .unix(path: path)) { connection in
      while try connection.readRequest() != nil { try connection.respond(status: 200, body: "local") }
    }
    var request = HTTPRequest(url: server.url + "/v1")
    request.unixSocket = path
    #expect(try await transport.send(request).body == Array("local".utf8))
    #expect(server.requests.first?.target == "/v1")
    #expect(server.requests.first?.header("host") == "localhost")
  }

  /// Runs in its own process, since it changes the environment.
  @Test func `a proxy is only used if the request names it`() async {
    await #expect(processExitsWith: .success) {
      let proxy = try ScriptedServer { connection in
        while try connection.readRequest() != nil { try connection.respond(status: 200, body: "by proxy") }
      }
      let server = try ScriptedServer { connection in
        while try connection.readRequest() != nil { try connection.respond(status: 200, body: "direct") }
      }
      for name in ["http_proxy", "all_proxy", "ALL_PROXY"] { setenv(name, proxy.url, 1) }
      setenv("no_proxy", "elsewhere.example", 1)

      let transport = try HTTPTransport()
      try #require(try await transport.send(HTTPRequest(url: server.url)).body == Array("direct".utf8))
      try #require(proxy.acceptedConnections == 0)
      var request = HTTPRequest(url: "http://elsewhere.example/x")
      request.proxy = proxy.url
      try #require(try await transport.send(request).body == Array("by proxy".utf8))
      try #require(proxy.requests.first?.target == "http://elsewhere.example/x")
    }
  }
}
