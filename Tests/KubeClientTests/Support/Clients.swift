import HTTPTransport
import Logging
import TestSupport

@testable import KubeClient

/// A client for plain HTTP, without credentials.
func plainHTTPClient(of url: String, logger: Logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })) throws
  -> KubeClient
{
  try KubeClient(configuration: ClusterConfiguration(server: url), logger: logger)
}

/// A server that handles each request with a closure.
func scriptedServer(
  _ handle: @escaping @Sendable (ReceivedRequest, ScriptedConnection) throws -> Void
) throws -> ScriptedServer {
  try ScriptedServer { connection in
    while let request = try connection.readRequest() { try handle(request, connection) }
  }
}

extension ScriptedConnection {
  func json(_ body: String) throws { try json(200, body) }

  func json(_ status: Int, headers: [(String, String)] = [], _ body: String) throws {
    try respond(status: status, headers: [("Content-Type", "application/json")] + headers, body: body)
  }

  /// Sends the head of an accepted watch.
  func beginWatch(_ contentType: String = "application/json") throws {
    try sendHead(status: 200, headers: [("Content-Type", contentType), ("Transfer-Encoding", "chunked")])
  }
}

extension ReceivedRequest {
  var isWatch: Bool { target.contains("watch=true") }

  func parameter(_ name: String) -> String? {
    target.split(separator: "?").dropFirst().first?.split(separator: "&").first { $0.hasPrefix("\(name)=") }
      .map { String($0.dropFirst(name.count + 1)) }
  }
}
