import Foundation
import HTTPTransport
import TestSupport
import Testing

@Suite struct SendingTests {
  let transport: HTTPTransport

  init() throws {
    transport = try HTTPTransport()
  }

  @Test func sendsWhatItIsGivenAndReturnsWhatItGets() async throws {
    let server = try ScriptedServer { connection in
      while try connection.readRequest() != nil {
        try connection.respond(status: 201, headers: [("Set-Thing", "a"), ("set-thing", " b ")], body: "made")
      }
    }
    var request = HTTPRequest(method: "PATCH", url: server.url + "/a/../b?x=1&y=%20")
    request.headers = [HTTPHeader("X-Test", "one"), HTTPHeader("X-Empty", ""), HTTPHeader("Content-Type", "application/json")]
    request.body = Array("{\"a\": \u{0}1}".utf8)
    let answer = try await transport.send(request)
    #expect(answer.status == 201)
    #expect(answer.headers.filter { $0.name.lowercased() == "set-thing" }.map(\.value) == ["a", "b"])
    #expect(answer.header("SET-THING") == "a")
    #expect(answer.body == Array("made".utf8))

    let received = try #require(server.requests.first)
    #expect(received.method == "PATCH")
    #expect(received.target == "/a/../b?x=1&y=%20")
    #expect(received.header("x-test") == "one")
    #expect(received.header("x-empty") == "")
    #expect(received.header("content-type") == "application/json")
    #expect(received.body == request.body)
    for absent in ["expect", "accept-encoding", "user-agent", "cookie", "authorization"] { #expect(received.header(absent) == nil) }
  }

  @Test(arguments: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
  func everyMethodWithoutBody(method: String) async throws {
    let server = try ScriptedServer { connection in
      while let request = try connection.readRequest() {
        if request.method == "HEAD" {
          try connection.sendHead(status: 200, headers: [("Content-Length", "1000000000")])
        } else {
          try connection.respond(status: 200, body: "ok")
        }
      }
    }
    let answer = try await transport.send(HTTPRequest(method: method, url: server.url))
    #expect(answer.status == 200)
    #expect(answer.body == Array((method == "HEAD" ? "" : "ok").utf8))
    let received = try #require(server.requests.first)
    #expect(received.method == method)
    #expect(received.header("content-length") == (["POST", "PUT", "PATCH"].contains(method) ? "0" : nil))
    #expect(received.header("content-type") == nil)
  }

  @Test func sendsALargeBody() async throws {
    let server = try ScriptedServer { connection in
      while try connection.readRequest() != nil { try connection.respond(status: 200) }
    }
    let body = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
    let answer = try await transport.send(HTTPRequest(method: "POST", url: server.url, body: body))
    #expect(answer.status == 200)
    #expect(server.requests.first?.body == body)
  }

  @Test func keepsConnectionsForReuse() async throws {
    let server = try ScriptedServer { connection in
      while try connection.readRequest() != nil { try connection.respond(status: 200) }
    }
    for _ in 0..<5 { _ = try await transport.send(HTTPRequest(url: server.url)) }
    #expect(server.acceptedConnections == 1)
    #expect(server.requests.count == 5)
  }

  @Test func closesConnectionsThatAreNotToBeKept() async throws {
    let server = try ScriptedServer { connection in
      while try connection.readRequest() != nil { try connection.respond(status: 200) }
    }
    var request = HTTPRequest(url: server.url)
    request.keepsConnection = false
    for count in 1...3 {
      _ = try await transport.send(request)
      try await eventually("we have closed") { server.openConnections == 0 }
      #expect(server.acceptedConnections == count)
    }
  }

  @Test func bodiesFindTheirMemoryWhereItWasGivenBack() async throws {
    let sizes = [100_000, 10, 0, 50_000]
    let server = try ScriptedServer { connection in
      while let request = try connection.readRequest() {
        let size = sizes[Int(request.target.dropFirst()) ?? 0]
        try connection.respond(status: 200, body: Array(repeating: UInt8(ascii: "a") + UInt8(size % 7), count: size))
      }
    }
    let buffers = BodyBuffers(limit: 1)
    var places: Set<UnsafeRawPointer> = []
    for (number, size) in sizes.enumerated() {
      var request = HTTPRequest(url: "\(server.url)/\(number)")
      request.bodyBuffers = buffers
      var answer = try await transport.send(request)
      #expect(answer.body == Array(repeating: UInt8(ascii: "a") + UInt8(size % 7), count: size))
      if size > 0 { answer.body.withUnsafeBytes { bytes in if let base = bytes.baseAddress { places.insert(base) } } }
      buffers.giveBack(&answer)
      #expect(answer.body.isEmpty)
    }
    #expect(places.count == 1)
  }

  @Test func aKeptConnectionThatThePeerClosedIsReplaced() async throws {
    let server = try ScriptedServer { connection in
      _ = try connection.readRequest()
      try connection.respond(status: 200)
    }
    for _ in 0..<3 {
      let answer = try await transport.send(HTTPRequest(url: server.url))
      #expect(answer.status == 200)
      try await eventually("the server has closed") { server.openConnections == 0 }
    }
    #expect(server.acceptedConnections == 3)
  }

  @Test func leavesOutInterimAnswersAndTrailers() async throws {
    let server = try ScriptedServer { connection in
      _ = try connection.readRequest()
      try connection.send("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
      try connection.sendHead(status: 200, headers: [("Transfer-Encoding", "chunked"), ("Trailer", "X-Late")])
      try connection.sendChunk("one,")
      try connection.sendChunk("two")
      try connection.send("0\r\nX-Late: yes\r\n\r\n")
      try connection.waitForClose()
    }
    let answer = try await transport.send(HTTPRequest(url: server.url))
    #expect(answer.status == 200)
    #expect(answer.header("link") == nil)
    #expect(answer.header("x-late") == nil)
    #expect(answer.body == Array("one,two".utf8))
  }

  @Test("R42: a redirect is an answer", arguments: [301, 302, 303, 307, 308])
  func aRedirectIsAnAnswer(status: Int) async throws {
    let server = try ScriptedServer { connection in
      while let request = try connection.readRequest() {
        if request.target == "/elsewhere" {
          try connection.respond(status: 200)
        } else {
          try connection.respond(status: status, headers: [("Location", "/elsewhere")], body: "moved")
        }
      }
    }
    let answer = try await transport.send(HTTPRequest(url: server.url + "/here"))
    #expect(answer.status == status)
    #expect(answer.header("Location") == "/elsewhere")
    #expect(answer.body == Array("moved".utf8))
    #expect(server.requests.count == 1)
  }

  @Test func connectsElsewhereAndKeepsTheHost() async throws {
    let server = try ScriptedServer { connection in
      while try connection.readRequest() != nil { try connection.respond(status: 200) }
    }
    var request = HTTPRequest(url: "http://pod.example:8080/metrics")
    request.connectTo = ConnectTo(host: "127.0.0.1", port: server.port)
    #expect(try await transport.send(request).status == 200)
    #expect(server.requests.first?.header("host") == "pod.example:8080")
  }

  @Test func speaksOverAUnixSocket() async throws {
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

  /// In a process of its own, because the environment is everybody's.
  @Test func goesThroughAProxyOnlyWhenToldTo() async {
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
