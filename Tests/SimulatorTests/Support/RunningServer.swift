import HTTPTransport
import JSON

@testable import Simulator

/// Runs a server for the duration of the body.
func withServer(
  _ configuration: SimulatorConfiguration = SimulatorConfiguration(), _ body: (SimulatedAPIServer, TestClient) async throws -> Void
) async throws {
  let server = SimulatedAPIServer(configuration: configuration)
  let transport = try HTTPTransport()
  defer { transport.shutDown() }
  try await withThrowingTaskGroup(of: Void.self) { group in
    group.addTask { try await server.run() }
    try await server.waitUntilListening()
    try await body(server, TestClient(transport: transport, url: server.url))
    group.cancelAll()
  }
}

struct Answer {
  var status: Int
  var bytes: [UInt8]
  var headers: [HTTPHeader]

  /// The body as JSON; null if it is not JSON.
  var json: JSONValue { (try? JSONValue(parsing: bytes)) ?? nil }

  func header(_ name: String) -> String? { headers.first { $0.name.lowercased() == name.lowercased() }?.value }
}

/// An HTTP client of a running server.
struct TestClient: Sendable {
  var transport: HTTPTransport
  var url: String
  var token: String?

  func send(
    _ method: String, _ path: String, _ body: JSONValue? = nil, type: String = "application/json", accept: String = "application/json"
  ) async throws -> Answer {
    try await send(method, path, bytes: body?.bytes, type: type, accept: accept)
  }

  func send(
    _ method: String, _ path: String, bytes: [UInt8]?, type: String, accept: String = "application/json"
  ) async throws -> Answer {
    let response = try await transport.send(request(method, path, bytes, type: type, accept: accept))
    return Answer(status: response.status, bytes: response.body, headers: response.headers)
  }

  /// Opens a watch.
  func watch(_ path: String, accept: String = "application/json") async throws -> WatchLines {
    let stream = try await transport.open(request("GET", path, nil, type: "", accept: accept))
    return WatchLines(
      status: stream.status, contentType: stream.header("Content-Type") ?? "", chunks: stream.body.makeAsyncIterator(), stream: stream)
  }

  private func request(_ method: String, _ path: String, _ body: [UInt8]?, type: String, accept: String) -> HTTPRequest {
    var headers = [HTTPHeader("Accept", accept), HTTPHeader("User-Agent", "tester/1")]
    if body != nil { headers.append(HTTPHeader("Content-Type", type)) }
    if let token { headers.append(HTTPHeader("Authorization", "Bearer \(token)")) }
    return HTTPRequest(method: method, url: url + path, headers: headers, body: body, deadline: .seconds(60))
  }
}

/// The lines of a watch in JSON.
struct WatchLines {
  var status: Int
  var contentType: String
  var chunks: HTTPBody.Iterator
  private var stream: HTTPStream
  private var buffer: [UInt8] = []

  init(status: Int, contentType: String, chunks: HTTPBody.Iterator, stream: HTTPStream) {
    self.status = status
    self.contentType = contentType
    self.chunks = chunks
    self.stream = stream
  }

  /// Closes the connection.
  func cancel() { stream.cancel() }

  /// The next event; `nil` at the end of the stream.
  mutating func next() async throws -> JSONValue? {
    while true {
      if let end = buffer.firstIndex(of: UInt8(ascii: "\n")) {
        let line = Array(buffer[..<end])
        buffer.removeSubrange(...end)
        return try JSONValue(parsing: line)
      }
      guard let chunk = try await chunks.next() else { return nil }
      buffer += chunk
    }
  }

  /// The type and the object name of the next event.
  mutating func nextName() async throws -> String? {
    try await next().map { "\($0["type"]?.string ?? "") \($0["object"]?["metadata"]?["name"]?.string ?? "")" }
  }
}
