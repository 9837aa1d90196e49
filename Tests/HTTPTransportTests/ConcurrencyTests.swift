import HTTPTransport
import Synchronization
import TestSupport
import Testing

@Suite struct ConcurrencyTests {
  @Test func `200 concurrent requests get their own responses`() async throws {
    let server = try ScriptedServer { connection in
      while let request = try connection.readRequest() { try connection.respond(status: 200, body: "\(request.target) \(request.text)") }
    }
    let transport = try HTTPTransport()
    let responses = try await withThrowingTaskGroup(of: (Int, String).self) { group in
      for index in 0..<200 {
        group.addTask {
          let request = HTTPRequest(
            method: "POST", url: "\(server.url)/\(index)", body: Array("body \(index)".utf8), deadline: .seconds(60))
          return (index, String(decoding: try await transport.send(request).body, as: UTF8.self))
        }
      }
      return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
    }
    #expect(responses == Dictionary(uniqueKeysWithValues: (0..<200).map { ($0, "/\($0) body \($0)") }))
  }

  @Test func `R41: there are never more transfers in flight than allowed`() async throws {
    let flight = Mutex((now: 0, most: 0))
    let server = try ScriptedServer { connection in
      while try connection.readRequest() != nil {
        flight.withLock {
          $0.now += 1
          $0.most = max($0.most, $0.now)
        }
        try connection.wait(.milliseconds(2))
        flight.withLock { $0.now -= 1 }
        try connection.respond(status: 200)
      }
    }
    var configuration = HTTPTransportConfiguration()
    configuration.maximumTransfers = 4
    let transport = try HTTPTransport(configuration: configuration)
    try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0..<60 { group.addTask { try await transport.send(HTTPRequest(url: server.url, deadline: .seconds(60))).status } }
      for try await status in group { #expect(status == 200) }
    }
    #expect(server.requests.count == 60)
    #expect(flight.withLock { $0.most } <= 4)
  }

  @Test func `R41: the deadline runs while a request waits for a slot`() async throws {
    let server = try ScriptedServer { connection in
      _ = try connection.readRequest()
      try connection.waitForClose()
    }
    var configuration = HTTPTransportConfiguration()
    configuration.maximumTransfers = 1
    let transport = try HTTPTransport(configuration: configuration)
    let url = server.url
    let hanging = Task { await transportError { try await transport.send(HTTPRequest(url: url)) } }
    try await eventually("the slot is taken") { server.requests.count == 1 }
    let error = await transportError { try await transport.send(HTTPRequest(url: url, deadline: .milliseconds(50))) }
    #expect(error?.kind == "timeout in queue")
    let waiting = Task { await transportError { try await transport.send(HTTPRequest(url: url)) } }
    waiting.cancel()
    #expect(await waiting.value?.kind == "cancelled")
    hanging.cancel()
    #expect(await hanging.value?.kind == "cancelled")
    #expect(server.requests.count == 1)
  }
}
