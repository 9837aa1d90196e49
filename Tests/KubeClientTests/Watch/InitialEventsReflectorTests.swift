import HTTPTransport
import Synchronization
import TestSupport
import Testing

@testable import KubeClient

/// Initial events over HTTP, from a server that sends, refuses or withholds them.
@Suite(.timeLimit(.minutes(1))) struct InitialEventsReflectorTests {
  private enum Request {
    case initial, list, watch
  }

  private func withReflector(
    pause: Duration = .seconds(15), _ script: @escaping @Sendable (Request, ScriptedConnection) throws -> Void,
    check: (Reflector<NodeRecord>, ScriptedServer) async throws -> Void
  ) async throws {
    let server = try scriptedServer { request, connection in
      try script(request.parameter("sendInitialEvents") != nil ? .initial : request.isWatch ? .watch : .list, connection)
    }
    defer { server.stop() }
    var policy = WatchPolicy()
    policy.backoff = .milliseconds(1) ... .milliseconds(5)
    policy.initialEventsPause = pause
    let client = try plainHTTPClient(of: server.url)
    let reflector = Reflector(client: client, resource: .nodes, decoder: Samples.nodes, policy: policy, logger: client.logger)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await reflector.run() }
      try await check(reflector, server)
      group.cancelAll()
    }
  }

  private func names(_ reflector: Reflector<NodeRecord>) -> [String] { reflector.store.snapshot().map(\.name).sorted() }

  private static func mark(_ version: Int) -> String {
    Samples.eventJSON(
      "BOOKMARK",
      #"{"kind":"Node","apiVersion":"v1","metadata":{"resourceVersion":"\#(version)","annotations":{"k8s.io/initial-events-end":"true"}}}"#)
  }

  @Test
  func `R14: initial events are published at the closing bookmark, later events as changes`() async throws {
    let (isChecked, isOver) = (Gate(), Gate())
    try await withReflector { request, connection in
      try connection.beginWatch()
      try connection.sendChunk(
        Samples.eventJSON("ADDED", Samples.nodeJSON("a", version: 3)) + Samples.eventJSON("ADDED", Samples.nodeJSON("b", version: 2)))
      try connection.stall(until: isChecked)
      try connection.sendChunk(
        Samples.eventJSON("ADDED", Samples.nodeJSON("c", version: 4)) + Self.mark(10)
          + Samples.eventJSON("DELETED", Samples.nodeJSON("a", version: 11)))
      try connection.stall(until: isOver)
    } check: { reflector, server in
      try await eventually("the request has arrived") { server.requests.count == 1 }
      #expect(!reflector.store.isSynced && reflector.store.snapshot().isEmpty)
      isChecked.open()
      try await eventually("the change after the bookmark is stored") { names(reflector) == ["b", "c"] }
      #expect(reflector.status == .synced && reflector.statistics.initialEvents == 1 && reflector.statistics.changes == 1)
      let request = try #require(server.requests.first)
      #expect(request.parameter("resourceVersionMatch") == "NotOlderThan" && request.parameter("allowWatchBookmarks") == "true")
      #expect(request.parameter("resourceVersion") == nil && server.requests.count == 1)
      isOver.open()
    }
  }

  @Test
  func `R14: the closing bookmark in protobuf`() async throws {
    let isOver = Gate()
    try await withReflector { request, connection in
      try connection.beginWatch("application/vnd.kubernetes.protobuf;stream=watch")
      let mark = ProtobufEncoder {
        $0.message(1) {
          $0.string(6, "9000")
          $0.entry(12, "k8s.io/initial-events-end", "true")
        }
      }.bytes
      for frame in [ProtobufEncoder.frame("ADDED", kind: "Node", Samples.node), ProtobufEncoder.frame("BOOKMARK", kind: "Node", mark)] {
        try connection.send("\(String(frame.count, radix: 16))\r\n")
        try connection.send(frame)
        try connection.send("\r\n")
      }
      try connection.stall(until: isOver)
    } check: { reflector, server in
      try await eventually("the store is synced") { reflector.store.isSynced }
      #expect(reflector.store.snapshot().count == 1 && reflector.statistics.initialEvents == 1)
      isOver.open()
    }
  }

  private enum Refusal: CaseIterable {
    case status, event, end, cut, silence, silentHead
  }

  @Test(arguments: Refusal.allCases)
  private func `R15: refused, ended, cut or stalled initial events are followed by a list and a watch`(_ refusal: Refusal) async throws {
    let isOver = Gate()
    try await withReflector(pause: .milliseconds(300)) { request, connection in
      switch (request, refusal) {
      case (.list, _): try connection.json(Samples.nodeListJSON(["listed"], version: 10))
      case (.watch, _):
        try connection.beginWatch()
        try connection.stall(until: isOver)
      case (.initial, .status):
        try connection.json(422, Samples.statusJSON(422, "Invalid", "sendInitialEvents: Forbidden"))
      case (.initial, .silentHead): try connection.stall(until: isOver)
      case (.initial, _):
        try connection.beginWatch()
        if refusal == .event {
          try connection.sendChunk(
            Samples.eventJSON("ERROR", Samples.statusJSON(500, "InternalError", "RequestWatchProgress is disabled")))
          return try connection.sendChunk("")
        }
        try connection.sendChunk(Samples.eventJSON("ADDED", Samples.nodeJSON("a", version: 3)))
        switch refusal {
        case .end: try connection.sendChunk("")
        case .cut:
          try connection.sendChunk(#"{"type":"ADD"#)
          connection.finish()
        default: try connection.stall(until: isOver)
        }
      }
    } check: { reflector, server in
      try await eventually("the list is stored and watched") { reflector.store.isSynced && server.requests.last?.isWatch == true }
      #expect(names(reflector) == ["listed"])
      #expect(reflector.statistics.initialEventsRefused == 1 && reflector.statistics.failures == 0 && reflector.statistics.lists == 1)
      #expect(server.requests.map(\.isWatch) == [true, false, true])
      isOver.open()
    }
  }
}
