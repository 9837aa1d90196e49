import HTTPTransport
import TestSupport
import Testing

@Suite struct CancellationTests {
  let transport: HTTPTransport

  init() throws {
    transport = try HTTPTransport()
  }

  /// Sends nothing, or only a head, and waits for the client to close.
  private func silentServer(afterHead: Bool) throws -> ScriptedServer {
    try ScriptedServer { connection in
      _ = try connection.readRequest()
      if afterHead { try connection.sendHead(status: 200, headers: []) }
      try connection.waitForClose()
    }
  }

  @Test(arguments: [false, true])
  func `cancelling the task closes the connection`(afterHead: Bool) async throws {
    let server = try silentServer(afterHead: afterHead)
    let request = HTTPRequest(url: server.url)
    let sending = Task { await transportError { try await transport.send(request) } }
    try await eventually("the request is there") { server.requests.count == 1 }
    sending.cancel()
    #expect(await sending.value?.kind == "cancelled")
    try await eventually("the connection is closed") { server.openConnections == 0 }
  }

  @Test func `cancelling a reader closes the connection`() async throws {
    let server = try silentServer(afterHead: true)
    let stream = try await transport.open(HTTPRequest(url: server.url))
    let reading = Task { await transportError { try await stream.body.collect(upTo: 100) } }
    reading.cancel()
    #expect(await reading.value?.kind == "cancelled")
    try await eventually("the connection is closed") { server.openConnections == 0 }
  }

  @Test func `a cancelled task sends nothing`() async throws {
    let server = try silentServer(afterHead: false)
    let request = HTTPRequest(url: server.url)
    let gate = Gate()
    let sending = Task {
      while !Task.isCancelled { await Task.yield() }
      gate.open()
      return await transportError { try await transport.send(request) }
    }
    sending.cancel()
    #expect(await sending.value?.kind == "cancelled")
    #expect(gate.isOpen)
  }

  @Test func `releasing a stream closes the connection`() async throws {
    let server = try silentServer(afterHead: true)
    var stream: HTTPStream? = try await transport.open(HTTPRequest(url: server.url))
    #expect(stream?.status == 200)
    #expect(server.openConnections == 1)
    stream = nil
    try await eventually("the connection is closed") { server.openConnections == 0 }
  }

  @Test func `shutting down ends all transfers`() async throws {
    let server = try silentServer(afterHead: true)
    let transport = try HTTPTransport()
    let stream = try await transport.open(HTTPRequest(url: server.url))
    transport.shutDown()
    #expect(await transportError { try await stream.body.collect(upTo: 100) }?.kind == "shutDown")
    #expect(await transportError { try await transport.send(HTTPRequest(url: server.url)) }?.kind == "shutDown")
    try await eventually("the connection is closed") { server.openConnections == 0 }
  }
}
