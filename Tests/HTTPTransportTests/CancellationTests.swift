import HTTPTransport
import TestSupport
import Testing

@Suite struct CancellationTests {
  let transport: HTTPTransport

  init() throws {
    transport = try HTTPTransport()
  }

  /// Says nothing, or only a head, and notices when the client goes.
  private func silentServer(afterHead: Bool) throws -> ScriptedServer {
    try ScriptedServer { connection in
      _ = try connection.readRequest()
      if afterHead { try connection.sendHead(status: 200, headers: []) }
      try connection.waitForClose()
    }
  }

  @Test(arguments: [false, true])
  func cancellingTheTaskClosesTheConnection(afterHead: Bool) async throws {
    let server = try silentServer(afterHead: afterHead)
    let request = HTTPRequest(url: server.url)
    let sending = Task { await failure { try await transport.send(request) } }
    try await eventually("the request is there") { server.requests.count == 1 }
    sending.cancel()
    #expect(await sending.value?.kind == "cancelled")
    try await eventually("the connection is closed") { server.openConnections == 0 }
  }

  @Test func cancellingAReaderClosesTheConnection() async throws {
    let server = try silentServer(afterHead: true)
    let stream = try await transport.open(HTTPRequest(url: server.url))
    let reading = Task { await failure { try await stream.body.collect(upTo: 100) } }
    reading.cancel()
    #expect(await reading.value?.kind == "cancelled")
    try await eventually("the connection is closed") { server.openConnections == 0 }
  }

  @Test func aTaskThatIsCancelledAlreadySendsNothing() async throws {
    let server = try silentServer(afterHead: false)
    let request = HTTPRequest(url: server.url)
    let gate = Gate()
    let sending = Task {
      while !Task.isCancelled { await Task.yield() }
      gate.open()
      return await failure { try await transport.send(request) }
    }
    sending.cancel()
    #expect(await sending.value?.kind == "cancelled")
    #expect(gate.isOpen)
  }

  @Test func releasingAStreamClosesTheConnection() async throws {
    let server = try silentServer(afterHead: true)
    var stream: HTTPStream? = try await transport.open(HTTPRequest(url: server.url))
    #expect(stream?.status == 200)
    #expect(server.openConnections == 1)
    stream = nil
    try await eventually("the connection is closed") { server.openConnections == 0 }
  }

  @Test func shuttingDownEndsEverything() async throws {
    let server = try silentServer(afterHead: true)
    let transport = try HTTPTransport()
    let stream = try await transport.open(HTTPRequest(url: server.url))
    transport.shutDown()
    #expect(await failure { try await stream.body.collect(upTo: 100) }?.kind == "shutDown")
    #expect(await failure { try await transport.send(HTTPRequest(url: server.url)) }?.kind == "shutDown")
    try await eventually("the connection is closed") { server.openConnections == 0 }
  }
}
