import HTTPTransport
import TestSupport
import Testing

@testable import HTTPTransport

@Suite struct StreamTests {
  let transport: HTTPTransport

  init() throws {
    transport = try HTTPTransport()
  }

  @Test func `a stream opens when the head has arrived`() async throws {
    let gate = Gate()
    let server = try ScriptedServer { connection in
      _ = try connection.readRequest()
      try connection.sendHead(status: 200, headers: [("Transfer-Encoding", "chunked")])
      try connection.stall(until: gate)
      try connection.sendChunk("event")
      try connection.sendChunk("")
    }
    let stream = try await transport.open(HTTPRequest(url: server.url))
    #expect(stream.status == 200)
    gate.open()
    #expect(try await stream.body.collect(upTo: 100) == Array("event".utf8))
  }

  @Test func `a slow reader slows the peer down`() async throws {
    let total = 64 << 20
    let server = try ScriptedServer { connection in
      _ = try connection.readRequest()
      try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(total)\r\n\r\n")
      var piece = [UInt8](repeating: 0, count: 1 << 16)
      for index in 0..<(total / piece.count) {
        piece[0] = UInt8(truncatingIfNeeded: index)
        try connection.send(piece)
      }
      sentAll.open()
      try connection.waitForClose()
    }
    var request = HTTPRequest(url: server.url)
    request.maximumBodyBytes = total
    // Must not expire while the transfer is paused.
    request.idleTimeout = .milliseconds(100)
    let stream = try await transport.open(request)
    try await eventually("the transfer is paused") { stream.body.transfer.exchange.unread.isPaused }
    let limit = HTTPTransportConfiguration().streamBufferBytes
    #expect(stream.body.transfer.exchange.unread.bytes <= limit)
    // Longer than the idle timeout.
    try await Task.sleep(for: .milliseconds(300))
    #expect(stream.body.transfer.exchange.unread.bytes <= limit)
    #expect(!sentAll.isOpen)

    var count = 0
    var pieces = 0
    var index = 0
    for try await piece in stream.body {
      #expect(piece.count <= limit)
      while index * 65536 < count + piece.count {
        #expect(piece[index * 65536 - count] == UInt8(truncatingIfNeeded: index))
        index += 1
      }
      count += piece.count
      pieces += 1
    }
    #expect(count == total)
    // libcurl's chunks have 16 KiB, and the reader gets several at once.
    #expect(pieces < 4096)
  }
  private let sentAll = Gate()

  @Test(arguments: ["whole", "cut", "reset"])
  func `a stream read in batches delivers every byte in order and its end`(_ ending: String) async throws {
    let server = try ScriptedServer { connection in
      _ = try connection.readRequest()
      try connection.sendHead(status: 200, headers: [("Transfer-Encoding", "chunked")])
      // Small events, then one that is larger than any buffer, then small events again.
      for number in 0..<2000 { try connection.sendChunk("\(number)\n") }
      try connection.sendChunk(String(repeating: "-", count: 4 << 20) + "\n")
      for number in 2000..<4000 { try connection.sendChunk("\(number)\n") }
      if ending == "whole" { try connection.sendChunk("") }
      if ending == "reset" {
        #expect(hasAll.wait())
        connection.reset()
      }
    }
    var request = HTTPRequest(url: server.url)
    request.readsInBatches = true
    request.maximumBodyBytes = .max
    let stream = try await transport.open(request)
    var received: [UInt8] = []
    let last = Array("3999\n".utf8)
    let error = await transportError {
      for try await piece in stream.body {
        received += piece
        if received.suffix(last.count) == last[...] { hasAll.open() }
      }
    }
    #expect(error?.kind == (ending == "whole" ? nil : "cut"))
    let lines = received.split(separator: UInt8(ascii: "\n"))
    #expect(lines.count == 4001)
    #expect(lines.filter { $0.first != UInt8(ascii: "-") }.map { Int(String(decoding: $0, as: UTF8.self)) } == Array(0..<4000))
  }
  private let hasAll = Gate()

  @Test
  func `appended bytes follow those already in the reader's buffer`() async throws {
    let server = try ScriptedServer { connection in
      _ = try connection.readRequest()
      try connection.sendHead(status: 200, headers: [("Transfer-Encoding", "chunked")])
      #expect(waits.wait())
      for number in 0..<100_000 { try connection.sendChunk("\(number)\n") }
      try connection.sendChunk("")
    }
    let stream = try await transport.open(HTTPRequest(url: server.url))
    var pieces = stream.body.makeAsyncIterator()
    // Incomplete lines stay in the buffer.
    var buffer = Array("-1\n".utf8)
    var numbers: [Int] = []
    waits.open()
    while try await pieces.append(to: &buffer) {
      let whole = (buffer.lastIndex(of: UInt8(ascii: "\n")) ?? -1) + 1
      numbers += buffer[..<whole].split(separator: UInt8(ascii: "\n")).compactMap { Int(String(decoding: $0, as: UTF8.self)) }
      buffer.removeSubrange(..<whole)
    }
    #expect(buffer.isEmpty)
    #expect(numbers == Array(-1..<100_000))
    buffer = [7]
    #expect(try await !pieces.append(to: &buffer))
    #expect(buffer == [7])
  }
  private let waits = Gate()

  @Test func `other transfers continue while one is paused`() async throws {
    let server = try ScriptedServer { connection in
      while let request = try connection.readRequest() {
        try connection.respond(status: 200, body: [UInt8](repeating: 1, count: request.target == "/large" ? 8 << 20 : 10))
      }
    }
    let paused = try await transport.open(HTTPRequest(url: server.url + "/large"))
    try await eventually("the transfer is paused") { paused.body.transfer.exchange.unread.isPaused }
    for _ in 0..<20 { #expect(try await transport.send(HTTPRequest(url: server.url)).body.count == 10) }
    #expect(try await paused.body.collect(upTo: 8 << 20).count == 8 << 20)
  }

  @Test func `a compressed body can be paused`() async throws {
    let server = try ScriptedServer { connection in
      while try connection.readRequest() != nil {
        // Stored blocks of RFC 1951, which need no compressor.
        var body: [UInt8] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]
        for _ in 0..<100 { body += [0, 0xff, 0xff, 0, 0] + [UInt8](repeating: 7, count: 0xffff) }
        try connection.sendHead(status: 200, headers: [("Content-Encoding", "gzip"), ("Connection", "close")])
        try connection.send(body)
        return
      }
    }
    var request = HTTPRequest(url: server.url)
    request.acceptsCompression = true
    let stream = try await transport.open(request)
    try await eventually("the transfer is paused") { stream.body.transfer.exchange.unread.isPaused }
    var count = 0
    do { for try await piece in stream.body { count += piece.count } } catch { #expect(error.kind == "cut" || error.kind == "malformed") }
    #expect(count == 100 * 0xffff)
  }

  @Test func `collect is limited`() async throws {
    let server = try ScriptedServer { connection in
      while try connection.readRequest() != nil { try connection.respond(status: 500, body: String(repeating: "x", count: 2000)) }
    }
    let stream = try await transport.open(HTTPRequest(url: server.url))
    #expect(await transportError { try await stream.body.collect(upTo: 1000) }?.kind == "tooLarge")
  }

  @Test func `a second concurrent reader is rejected`() async throws {
    let server = try ScriptedServer { connection in
      _ = try connection.readRequest()
      try connection.sendHead(status: 200, headers: [])
      try connection.waitForClose()
    }
    let stream = try await transport.open(HTTPRequest(url: server.url))
    let kinds = await withTaskGroup(of: String?.self) { group in
      for _ in 0..<2 { group.addTask { await transportError { try await stream.body.collect(upTo: 1) }?.kind } }
      var kinds: [String?] = [await group.next() ?? nil]
      stream.cancel()
      kinds.append(await group.next() ?? nil)
      return kinds
    }
    #expect(kinds == ["badRequest", "cancelled"])
  }
}
