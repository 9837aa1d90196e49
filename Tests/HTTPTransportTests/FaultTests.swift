import HTTPTransport
import TestSupport
import Testing

/// Faults of the peer and the errors that they become. Deadlines are short only where the peer never responds.
@Suite struct FaultTests {
  let transport: HTTPTransport

  init() throws {
    transport = try HTTPTransport()
  }

  @Test func `a closed port is a connect error`() async throws {
    let closed = try ClosedPort()
    let error = await transportError { try await transport.send(HTTPRequest(url: "http://127.0.0.1:\(closed.number)/x")) }
    #expect(error?.kind == "connect")
    #expect(error?.description.hasPrefix("GET http://127.0.0.1:") == true)
  }

  @Test func `an unknown name is a resolve error`() async throws {
    // RFC 6761: never has an address.
    let error = await transportError { try await transport.send(HTTPRequest(url: "http://rollcall.invalid/")) }
    #expect(error?.kind == "resolve")
  }

  enum Ending: CaseIterable, Sendable {
    case reset, finish, chunkedFinish, chunkedReset
  }

  @Test(arguments: Ending.allCases)
  func `R11: a cut body fails after the bytes that arrived`(ending: Ending) async throws {
    let server = try ScriptedServer { connection in
      _ = try connection.readRequest()
      switch ending {
      case .reset, .finish: try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
      case .chunkedFinish, .chunkedReset: try connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")
      }
      if let gate = gates[ending] { try connection.stall(until: gate) }
      if ending == .reset || ending == .chunkedReset { connection.reset() }
    }
    let stream = try await transport.open(HTTPRequest(url: server.url))
    #expect(stream.status == 200)
    var iterator = stream.body.makeAsyncIterator()
    // The bytes before the cut come first.
    #expect(try await iterator.next() == Array("half".utf8))
    gates[ending]?.open()
    #expect(await transportError { try await stream.body.collect(upTo: 1000) }?.kind == "cut")
    // Reading again fails again.
    #expect(await transportError { try await stream.body.collect(upTo: 1000) }?.kind == "cut")
    let again = await transportError { try await transport.send(HTTPRequest(url: server.url)) }
    #expect(again?.kind == "cut")
  }
  private let gates: [Ending: Gate] = Dictionary(uniqueKeysWithValues: Ending.allCases.map { ($0, Gate()) })

  @Test func `a connection closed without a response is a cut`() async throws {
    let server = try ScriptedServer { connection in _ = try connection.readRequest() }
    #expect(await transportError { try await transport.send(HTTPRequest(url: server.url)) }?.kind == "cut")
  }

  @Test(arguments: ["SSH-2.0-OpenSSH_9.2\r\n", "HTTP/9.9 2000 huh\r\n\r\n", "\u{0}\u{1}\u{2}\r\n\r\n", "HTTP/1.1 xyz\r\n\r\n"])
  func `a response that is not HTTP is malformed`(response: String) async throws {
    let server = try ScriptedServer { connection in
      _ = try connection.readRequest()
      try connection.send(response)
    }
    #expect(await transportError { try await transport.send(HTTPRequest(url: server.url)) }?.kind == "malformed")
  }

  @Test func `broken gzip is malformed`() async throws {
    let server = try ScriptedServer { connection in
      _ = try connection.readRequest()
      try connection.respond(status: 200, headers: [("Content-Encoding", "gzip")], body: "this is not gzip at all, not at all")
    }
    var request = HTTPRequest(url: server.url)
    request.acceptsCompression = true
    #expect(await transportError { try await transport.send(request) }?.kind == "malformed")
  }

  @Test func `R41: a slow head runs into the deadline`() async throws {
    let server = try ScriptedServer { connection in
      _ = try connection.readRequest()
      try connection.sendSlowly(Array("HTTP/1.1 200 OK\r\nX-Slow: ".utf8) + Array(repeating: 120, count: 100_000), pause: .milliseconds(5))
    }
    let error = await transportError { try await transport.send(HTTPRequest(url: server.url, deadline: .milliseconds(300))) }
    #expect(error?.kind == "timeout in head")
    try await eventually("the connection is closed") { server.openConnections == 0 }
  }

  @Test func `R41: a slow body runs into the deadline`() async throws {
    let server = try ScriptedServer { connection in
      _ = try connection.readRequest()
      try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
      try connection.sendSlowly(Array(repeating: 120, count: 100_000), pause: .milliseconds(5))
    }
    var request = HTTPRequest(url: server.url, deadline: .milliseconds(300))
    // Never expires, since bytes keep arriving.
    request.idleTimeout = .seconds(20)
    let error = await transportError { try await transport.send(request) }
    #expect(error?.kind == "timeout in body")
    #expect(error?.description.contains("bytes of body") == true)
    try await eventually("the connection is closed") { server.openConnections == 0 }
  }

  @Test func `silence runs into the idle timeout`() async throws {
    let server = try ScriptedServer { connection in
      _ = try connection.readRequest()
      try connection.send("HTTP/1.1 200 OK\r\n\r\nhello")
      try connection.waitForClose()
    }
    var request = HTTPRequest(url: server.url, deadline: .seconds(60))
    request.idleTimeout = .milliseconds(200)
    let error = await transportError { try await transport.send(request) }
    #expect(error?.kind == "timeout in idle")
    try await eventually("the connection is closed") { server.openConnections == 0 }
  }

  @Test func `a throttled body arrives complete`() async throws {
    let server = try ScriptedServer { connection in
      _ = try connection.readRequest()
      try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n")
      try connection.sendSlowly((0..<500).map { UInt8($0 & 0xff) }, pieceBytes: 7, pause: .milliseconds(1))
    }
    var request = HTTPRequest(url: server.url)
    request.idleTimeout = .seconds(20)
    #expect(try await transport.send(request).body == (0..<500).map { UInt8($0 & 0xff) })
  }

  @Test func `R84: a silent handshake runs into the connect timeout, and the error says that it was the handshake`() async throws {
    let server = try ScriptedServer { connection in try connection.waitForClose() }
    var request = HTTPRequest(url: "https://127.0.0.1:\(server.port)/")
    request.connectTimeout = .milliseconds(200)
    // The idle timeout only applies to established connections.
    request.idleTimeout = .milliseconds(1)
    #expect(await transportError { try await transport.send(request) }?.kind == "timeout in handshake")
    // The deadline for the whole transfer.
    request.connectTimeout = .seconds(60)
    request.idleTimeout = nil
    request.deadline = .milliseconds(200)
    #expect(await transportError { try await transport.send(request) }?.kind == "timeout in handshake")
    try await eventually("the connection is closed") { server.openConnections == 0 }
  }

  @Test func `a deadline of zero expires`() async throws {
    let server = try ScriptedServer { connection in try connection.waitForClose() }
    let error = await transportError { try await transport.send(HTTPRequest(url: server.url, deadline: .zero)) }
    #expect(error?.kind.hasPrefix("timeout") == true)
  }
}
