import Foundation
import GzipZlib
import HTTPTransport
import TestSupport
import Testing

@Suite struct LimitTests {
  let transport: HTTPTransport

  init() throws {
    transport = try HTTPTransport()
  }

  @Test(arguments: [999, 1000, 1001])
  func `a body may be as large as the limit`(length: Int) async throws {
    let server = try ScriptedServer { connection in
      while let request = try connection.readRequest() {
        if request.target == "/chunked" {
          try connection.sendHead(status: 200, headers: [("Transfer-Encoding", "chunked")])
          for _ in 0..<length { try connection.sendChunk("x") }
          try connection.sendChunk("")
        } else {
          try connection.respond(status: 200, body: String(repeating: "x", count: length))
        }
      }
    }
    for path in ["/length", "/chunked"] {
      var request = HTTPRequest(url: server.url + path)
      request.maximumBodyBytes = 1000
      if length > 1000 {
        let error = await transportError { try await transport.send(request) }
        #expect(error?.kind == "tooLarge")
        if case .tooLarge(let limit, _) = error { #expect(limit == 1000) }
      } else {
        #expect(try await transport.send(request).body.count == length)
      }
    }
  }

  @Test func `an endless body is cut off`() async throws {
    let server = try ScriptedServer { connection in
      _ = try connection.readRequest()
      try connection.sendHead(status: 200, headers: [])
      while true { try connection.send([UInt8](repeating: 120, count: 65536)) }
    }
    var request = HTTPRequest(url: server.url)
    request.maximumBodyBytes = 1 << 20
    #expect(await transportError { try await transport.send(request) }?.kind == "tooLarge")
    try await eventually("the connection is closed") { server.openConnections == 0 }
    // The server's send failed, since the client closed the connection.
    #expect(server.scriptErrors.count == 1)
  }

  @Test(arguments: ["/whole", "/announced", "/chunked", "/endless", "/cut", "/slow", "/silent", "/bad-gzip"])
  func `R102: only the status counts if the body is not needed`(path: String) async throws {
    let server = try ScriptedServer { connection in
      while let request = try connection.readRequest() {
        switch request.target {
        case "/whole": try connection.respond(status: 400, body: String(repeating: "x", count: 100_000))
        case "/announced":
          try connection.sendHead(status: 400, headers: [("Content-Length", "1000000000")])
          return
        case "/chunked":
          try connection.sendHead(status: 400, headers: [("Transfer-Encoding", "chunked")])
          for _ in 0..<100 { try connection.sendChunk(String(repeating: "x", count: 1000)) }
          try connection.sendChunk("")
        case "/endless":
          try connection.sendHead(status: 400, headers: [])
          while true { try connection.send([UInt8](repeating: 120, count: 65536)) }
        case "/cut":
          try connection.sendHead(status: 400, headers: [("Content-Length", "100")])
          try connection.send("xx")
          return connection.reset()
        case "/slow":
          try connection.sendHead(status: 400, headers: [("Content-Length", "1000")])
          try connection.sendSlowly([UInt8](repeating: 120, count: 1000), pause: .milliseconds(100))
        case "/silent":
          try connection.sendHead(status: 400, headers: [("Content-Length", "1000")])
          try connection.waitForClose()
        default: try connection.respond(status: 400, headers: [("Content-Encoding", "gzip")], body: "not gzip")
        }
      }
    }
    defer { server.stop() }
    var request = HTTPRequest(url: server.url + path, deadline: .seconds(60))
    request.needsOnlyStatus = true
    request.maximumBodyBytes = 1000
    let response = try await transport.send(request)
    #expect(response.status == 400)
    #expect(response.body.count <= 1000)
  }

  @Test func `R102: a peer that sends no status fails also if only the status is needed`() async throws {
    let server = try ScriptedServer { connection in
      _ = try connection.readRequest()
      try connection.send("HTTP/1.1 2")
    }
    defer { server.stop() }
    var request = HTTPRequest(url: server.url)
    request.needsOnlyStatus = true
    #expect(await transportError { try await transport.send(request) } != nil)
  }

  @Test func `R43, R141: a gzip bomb is capped`() async throws {
    // 200 MB of zeros in 200 KB, sent without a length.
    let bomb = try gzipped(Data(count: 200 << 20))
    #expect(bomb.count < 1 << 20)
    let server = try ScriptedServer { connection in
      while try connection.readRequest() != nil { try connection.respond(status: 200, headers: [("Content-Encoding", "gzip")], body: bomb) }
    }
    var request = HTTPRequest(url: server.url)
    request.acceptsCompression = true
    request.maximumBodyBytes = 10 << 20
    #expect(await transportError { try await transport.send(request) }?.kind == "tooLarge")
    let stream = try await transport.open(request)
    #expect(await transportError { try await stream.body.collect(upTo: .max) }?.kind == "tooLarge")
    #expect(server.requests.first?.header("accept-encoding") == "gzip")
  }

  /// Gzip that goes on for ever and decompresses to nothing.
  enum EndlessGzip: String, CaseIterable, CustomTestStringConvertible {
    case members, blocks, name, comment

    var testDescription: String { rawValue }

    /// The beginning of the body, and what follows again and again.
    var parts: (start: [UInt8], more: [UInt8]) {
      get throws {
        func header(flags: UInt8) -> [UInt8] { [0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 255] }
        switch self {
        case .members: return ([], try #require(gzip([])))
        // Stored, not the last one, and of no bytes.
        case .blocks: return (header(flags: 0), [0, 0, 0, 0xff, 0xff])
        case .name: return (header(flags: 8), [120])
        case .comment: return (header(flags: 16), [120])
        }
      }
    }
  }

  @Test(arguments: EndlessGzip.allCases)
  func `R43, R141: endless gzip that decompresses to nothing is cut off`(body: EndlessGzip) async throws {
    let (start, more) = try body.parts
    let server = try ScriptedServer { connection in
      _ = try connection.readRequest()
      try connection.sendHead(status: 200, headers: [("Content-Encoding", "gzip")])
      try connection.send(start)
      let pieces = (0..<65_536 / more.count).flatMap { _ in more }
      while true { try connection.send(pieces) }
    }
    defer { server.stop() }
    var request = HTTPRequest(url: server.url, deadline: .seconds(60))
    request.acceptsCompression = true
    // A header has its own limit.
    request.maximumBodyBytes = [.members, .blocks].contains(body) ? 1_000_000 : .max
    let error = await transportError { try await transport.send(request) }
    switch body {
    case .members, .blocks:
      #expect(error?.kind == "tooLarge")
      #expect(error?.description.contains("larger than 1000000 bytes: the body exceeds the limit before it is decompressed") == true)
    case .name, .comment:
      #expect(error?.kind == "malformed")
      #expect(error?.description.contains("a gzip header in the body has more than 65536 bytes") == true)
    }
    try await eventually("the connection is closed") { server.openConnections == 0 }
  }

  @Test func `R141: a body that gzip makes longer may be as large as the limit, also for a reader that pauses`() async throws {
    // Does not compress.
    let plain = (0..<300_000).map { _ in UInt8.random(in: 0...255) }
    let packed = try #require(gzip(plain))
    #expect(packed.count > plain.count)
    let server = try ScriptedServer { connection in
      while try connection.readRequest() != nil {
        // Without a length, which libcurl would compare with the limit.
        try connection.sendHead(status: 200, headers: [("Content-Encoding", "gzip")])
        return try connection.send(packed)
      }
    }
    defer { server.stop() }
    var request = HTTPRequest(url: server.url, deadline: .seconds(60))
    request.acceptsCompression = true
    request.maximumBodyBytes = plain.count
    #expect(try await transport.send(request).body == plain)
    // Each piece is passed again after a pause, and counted once.
    var configuration = HTTPTransportConfiguration()
    configuration.streamBufferBytes = 1000
    let pausing = try HTTPTransport(configuration: configuration)
    var read: [UInt8] = []
    for try await piece in try await pausing.open(request).body { read += piece }
    #expect(read == plain)
  }

  @Test func `unrequested compression is passed through`() async throws {
    let bytes = try gzipped(Data("plain".utf8))
    let server = try ScriptedServer { connection in
      while try connection.readRequest() != nil {
        try connection.respond(status: 200, headers: [("Content-Encoding", "gzip")], body: bytes)
      }
    }
    #expect(try await transport.send(HTTPRequest(url: server.url)).body == bytes)
    var request = HTTPRequest(url: server.url)
    request.acceptsCompression = true
    #expect(try await transport.send(request).body == Array("plain".utf8))
  }

  @Test(arguments: [false, true])
  func `the head is limited`(inOneLine: Bool) async throws {
    let server = try ScriptedServer { connection in
      _ = try connection.readRequest()
      try connection.send("HTTP/1.1 200 OK\r\nX-Long: ")
      while true { try connection.send(inOneLine ? "xxxxxxxxxxxxxxxxxxxxxxxx" : "xxxxxxxxxxxx\r\nX-More: ") }
    }
    #expect(await transportError { try await transport.send(HTTPRequest(url: server.url)) }?.kind == "tooLarge")
    try await eventually("the connection is closed") { server.openConnections == 0 }
  }

  private func gzipped(_ data: Data) throws -> [UInt8] {
    let folder = try TemporaryFolder()
    let path = folder.path + "/data"
    try data.write(to: URL(fileURLWithPath: path))
    #expect(try SpawnedProcess(try requireProgram("gzip"), ["-9", path], outputPath: "\(folder.path)/log").wait() == 0)
    return Array(try Data(contentsOf: URL(fileURLWithPath: path + ".gz")))
  }
}
