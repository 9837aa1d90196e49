import Foundation
import GzipZlib
import HTTPTransport
import TestSupport
import Testing

/// Bodies with a Content-Encoding.
@Suite struct CompressionTests {
  let transport: HTTPTransport
  /// Compresses to a hundredth.
  private static let text = Array(String(repeating: "a line of text\n", count: 60_000).utf8)

  init() throws {
    transport = try HTTPTransport()
  }

  private func request(_ server: ScriptedServer, _ path: String = "") -> HTTPRequest {
    var request = HTTPRequest(url: server.url + path, deadline: .seconds(60))
    request.acceptsCompression = true
    return request
  }

  /// Responds with the body for each path.
  private func server(_ bodies: [String: [UInt8]], coding: String = "gzip") throws -> ScriptedServer {
    try ScriptedServer { connection in
      while let request = try connection.readRequest() {
        let body = bodies[request.target] ?? []
        if request.target == "/in-pieces" {
          try connection.sendHead(status: 200, headers: [("Content-Encoding", coding), ("Content-Length", "\(body.count)")])
          for byte in body { try connection.send([byte]) }
        } else {
          try connection.respond(status: 200, headers: [("Content-Encoding", coding)], body: body)
        }
      }
    }
  }

  @Test(arguments: ["gzip", "x-gzip", "GZIP", "identity, gzip"])
  func `R141: gzip is decompressed, whole, in pieces, and of several members`(coding: String) async throws {
    let packed = try #require(gzip(Self.text))
    let server = try server(["/whole": packed, "/in-pieces": packed, "/members": packed + packed, "/empty": []], coding: coding)
    defer { server.stop() }
    #expect(try await transport.send(request(server, "/whole")).body == Self.text)
    #expect(try await transport.send(request(server, "/in-pieces")).body == Self.text)
    #expect(try await transport.send(request(server, "/members")).body == Self.text + Self.text)
    #expect(try await transport.send(request(server, "/empty")).body == [])
    #expect(server.requests.allSatisfy { $0.header("accept-encoding") == "gzip" })
  }

  @Test func `R141: a compressed body that is cut, damaged or followed by something is malformed`() async throws {
    let packed = try #require(gzip(Self.text))
    var damaged = packed
    damaged[packed.count - 6] ^= 1
    let bodies: [String: [UInt8]] = [
      "/cut": Array(packed.dropLast()), "/head": Array(packed.prefix(5)), "/damaged": damaged, "/more": packed + [1, 2, 3],
    ]
    let server = try server(bodies)
    defer { server.stop() }
    for path in bodies.keys {
      #expect(await transportError { try await transport.send(request(server, path)) }?.kind == "malformed", "\(path)")
    }
  }

  @Test(arguments: ["deflate", "br", "gzip, gzip", "zstd"])
  func `R141: another coding than the one that was asked for is malformed`(coding: String) async throws {
    let server = try server(["/": Array("body".utf8)], coding: coding)
    defer { server.stop() }
    let error = await transportError { try await transport.send(request(server, "/")) }
    #expect(error?.kind == "malformed")
    #expect(error?.description.contains("Content-Encoding \(coding)") == true)
    var status = request(server, "/")
    status.needsOnlyStatus = true
    #expect(try await transport.send(status).status == 200)
  }

  @Test func `R141: a paused reader gets every byte of a compressed body once`() async throws {
    let plain = (0..<4_000_000).map { UInt8(truncatingIfNeeded: $0 / 1000 &* 31) }
    let packed = try #require(gzip(plain))
    let server = try server(["/whole": packed])
    defer { server.stop() }
    // Every piece pauses the transfer once more.
    var configuration = HTTPTransportConfiguration()
    configuration.streamBufferBytes = 1000
    let transport = try HTTPTransport(configuration: configuration)
    let stream = try await transport.open(request(server, "/whole"))
    var read: [UInt8] = []
    for try await piece in stream.body { read += piece }
    #expect(read == plain)
  }

  @Test func `R141: many compressed bodies at a time are told apart`() async throws {
    let bodies = (0..<20).map { Array(String(repeating: "body \($0)\n", count: 5000).utf8) }
    let packed = try Dictionary(uniqueKeysWithValues: bodies.enumerated().map { ("/\($0)", try #require(gzip($1))) })
    let server = try server(packed)
    defer { server.stop() }
    try await withThrowingTaskGroup(of: (Int, [UInt8]).self) { group in
      for number in 0..<100 {
        group.addTask { (number % 20, try await transport.send(request(server, "/\(number % 20)")).body) }
      }
      for try await (number, body) in group { #expect(body == bodies[number]) }
    }
  }
}
