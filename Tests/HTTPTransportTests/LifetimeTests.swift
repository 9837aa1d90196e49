import Foundation
import HTTPTransport
import TestSupport
import Testing

@Suite struct LifetimeTests {
  /// Runs in its own process, so that no other test opens descriptors.
  @Test func `R63: releasing the transport ends its thread and closes its descriptors`() async {
    await #expect(processExitsWith: .success) {
      let server = try ScriptedServer { connection in
        while let request = try connection.readRequest() {
          if request.target == "/cut" { return connection.reset() }
          try connection.respond(status: 200, body: "x")
        }
      }
      let url = server.url
      func round() async throws {
        let transport = try HTTPTransport()
        for path in ["/", "/cut", "/"] { _ = await transportError { try await transport.send(HTTPRequest(url: url + path)) } }
        let stream = try await transport.open(HTTPRequest(url: url))
        try #require(stream.status == 200)
      }
      // The first round opens what libcurl, OpenSSL and the runtime's timers keep for good.
      try await round()
      try await Task.sleep(for: .milliseconds(1))
      try await eventually("the first thread is gone") { try transportThreads() == 0 && server.openConnections == 0 }
      let before = try descriptors()
      let rounds = 20
      for _ in 0..<rounds { try await round() }
      // The runtime may open a descriptor of its own; a leak would be one for each round.
      try await eventually("threads, connections and descriptors are gone") {
        try transportThreads() == 0 && server.openConnections == 0 && descriptors() < before + rounds
      }
    }
  }

  /// The first probe follows 15 s of silence, and the connection ends after 30 s without an acknowledgement.
  @Test func `R17: a dead peer is detected within 45 seconds`() async throws {
    let server = try ScriptedServer { connection in
      _ = try connection.readRequest()
      try connection.sendHead(status: 200, headers: [])
      try connection.waitForClose()
    }
    let transport = try HTTPTransport()
    let stream = try await transport.open(HTTPRequest(url: server.url))
    let socket = try #require(clientSocket(toPort: server.port))
    #expect(option(socket, SOL_SOCKET, SO_KEEPALIVE) == 1)
    #expect(option(socket, Int32(IPPROTO_TCP), TCP_KEEPIDLE) == 15)
    #expect(option(socket, Int32(IPPROTO_TCP), TCP_KEEPINTVL) == 5)
    #expect(option(socket, Int32(IPPROTO_TCP), TCP_USER_TIMEOUT) == 30_000)
    stream.cancel()
  }
}

/// The client's socket of the connection to the port.
private func clientSocket(toPort port: Int) -> Int32? {
  (0..<4096).first { descriptor in
    var name = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let result = withUnsafeMutablePointer(to: &name) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getpeername(descriptor, $0, &length) }
    }
    return result == 0 && name.sin_family == sa_family_t(AF_INET) && Int(in_port_t(bigEndian: name.sin_port)) == port
  }
}

private func option(_ descriptor: Int32, _ level: Int32, _ name: Int32) -> Int32 {
  var value: Int32 = -1
  var length = socklen_t(MemoryLayout<Int32>.size)
  getsockopt(descriptor, level, name, &value, &length)
  return value
}

private func transportThreads() throws -> Int {
  try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").filter { thread in
    // The thread may have ended since.
    (try? String(contentsOfFile: "/proc/self/task/\(thread)/comm", encoding: .utf8)) == "rollcall-http\n"
  }.count
}

private func descriptors() throws -> Int {
  try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
}
