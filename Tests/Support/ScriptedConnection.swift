internal import Foundation
internal import Synchronization

/// One connection of a `ScriptedServer`, driven by its script. Its calls block. They throw `SocketError` if the client has gone or
/// the server stops.
package final class ScriptedConnection: Sendable {
  /// 0 for the server's first connection.
  package let index: Int
  private let descriptor: Int32
  private let shared: ServerState
  private let leftover = Mutex<[UInt8]>([])
  private let sent = Atomic<Int>(0)

  init(descriptor: Int32, index: Int, shared: ServerState) {
    self.descriptor = descriptor
    self.index = index
    self.shared = shared
  }

  /// Bytes that the system has accepted so far. Stops growing if the client does not read.
  package var bytesSent: Int { sent.load(ordering: .relaxed) }

  /// Reads the next request with its whole body (Content-Length or chunked) and records it; nil if the client has closed.
  package func readRequest() throws -> ReceivedRequest? {
    guard let head = try read(through: Array("\r\n\r\n".utf8)) else { return nil }
    guard var request = ReceivedRequest(head: head, connection: index) else {
      throw SocketError(saying: "not an HTTP request: \(String(decoding: head.prefix(200), as: UTF8.self))")
    }
    if request.header("transfer-encoding")?.lowercased() == "chunked" {
      request.body = try readChunks()
    } else if let length = request.header("content-length").flatMap(Int.init), length > 0 {
      request.body = try read(count: length)
    }
    let received = request
    shared.state.withLock { $0.requests.append(received) }
    return received
  }

  /// Sends a whole answer with Content-Length (unless `headers` has one or is chunked).
  package func respond(status: Int, headers: [(String, String)] = [], body: String = "") throws {
    try respond(status: status, headers: headers, body: Array(body.utf8))
  }

  package func respond(status: Int, headers: [(String, String)] = [], body: [UInt8]) throws {
    try sendHead(status: status, headers: headers + [("Content-Length", "\(body.count)")])
    try send(body)
  }

  /// Sends the status line and the headers as given, and the empty line.
  package func sendHead(status: Int, headers: [(String, String)]) throws {
    try send("HTTP/1.1 \(status) Scripted\r\n" + headers.map { "\($0.0): \($0.1)\r\n" }.joined() + "\r\n")
  }

  /// Sends one chunk of an answer whose head said `Transfer-Encoding: chunked`; an empty one ends the answer.
  package func sendChunk(_ text: String) throws {
    try send("\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n")
  }

  package func send(_ text: String) throws {
    try send(Array(text.utf8))
  }

  /// Sends all of it; blocks as long as the client does not read.
  package func send(_ bytes: [UInt8]) throws {
    try bytes.withUnsafeBytes { buffer in
      var rest = buffer[...]
      while !rest.isEmpty {
        let piece = UnsafeRawBufferPointer(rebasing: rest)
        let count = Foundation.send(descriptor, piece.baseAddress, piece.count, Int32(MSG_NOSIGNAL))
        if count < 0 {
          if errno == EINTR { continue }
          throw SocketError("send")
        }
        sent.add(count, ordering: .relaxed)
        rest = rest.dropFirst(count)
      }
    }
  }

  /// Sends `pieceBytes` at a time with a pause after each: a throttled or slow-loris peer.
  package func sendSlowly(_ bytes: [UInt8], pieceBytes: Int = 1, pause: Duration) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      try send(Array(rest.prefix(pieceBytes)))
      rest = rest.dropFirst(pieceBytes)
      try wait(pause)
    }
  }

  /// Stays silent for this time. Throws if the server stops.
  package func wait(_ duration: Duration) throws {
    let end = ContinuousClock.now + duration
    while ContinuousClock.now < end {
      if shared.isStopped { throw SocketError(saying: "the scripted server was stopped") }
      let rest = min(ContinuousClock.now.duration(to: end), .milliseconds(20))
      usleep(UInt32(max(0, rest.components.attoseconds / 1_000_000_000_000)))
    }
  }

  /// Stays silent until the gate opens. Throws if the server stops first.
  package func stall(until gate: Gate) throws {
    while !gate.wait(limit: 0.02) {
      if shared.isStopped { throw SocketError(saying: "the scripted server was stopped") }
    }
  }

  /// Blocks until the client has closed or reset the connection, dropping whatever it still sends.
  package func waitForClose() throws {
    while try receive() != nil {}
  }

  /// Closes in good order after what was sent (FIN); the script should return after it.
  package func finish() {
    shutdown(descriptor, Int32(SHUT_WR))
  }

  /// Cuts: what is under way is thrown away and the client sees "connection reset". The script must return after it.
  package func reset() {
    var linger = linger(l_onoff: 1, l_linger: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Foundation.linger>.size))
  }

  /// The next bytes, or nil if the client has closed.
  package func receive() throws -> [UInt8]? {
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = recv(descriptor, &buffer, buffer.count, 0)
      if count > 0 { return Array(buffer.prefix(count)) }
      if count == 0 { return nil }
      if errno == ECONNRESET { return nil }
      if errno != EINTR { throw SocketError("recv") }
    }
  }

  private func readChunks() throws -> [UInt8] {
    var body: [UInt8] = []
    while let line = try read(through: Array("\r\n".utf8)) {
      guard let size = Int(String(decoding: line, as: UTF8.self).prefix { $0 != ";" }, radix: 16) else { break }
      if size > 0 { body += try read(count: size) }
      _ = try read(count: 2)
      if size == 0 { return body }
    }
    throw SocketError(saying: "the client's chunked body is malformed or cut")
  }

  /// Bytes before the mark; nil if the client closed the connection before the first one.
  private func read(through mark: [UInt8]) throws -> [UInt8]? {
    var bytes = leftover.withLock { $0 }
    var searched = 0
    while true {
      if let end = bytes[searched...].firstRange(of: mark) {
        let rest = Array(bytes[end.upperBound...])
        leftover.withLock { $0 = rest }
        return Array(bytes[..<end.lowerBound])
      }
      searched = max(0, bytes.count - mark.count + 1)
      guard let more = try receive() else {
        if bytes.isEmpty { return nil }
        throw SocketError(saying: "the client closed in mid-request")
      }
      bytes += more
    }
  }

  private func read(count: Int) throws -> [UInt8] {
    var bytes = leftover.withLock { $0 }
    while bytes.count < count {
      guard let more = try receive() else { throw SocketError(saying: "the client closed in mid-body") }
      bytes += more
    }
    let rest = Array(bytes[count...])
    leftover.withLock { $0 = rest }
    return Array(bytes[..<count])
  }
}
