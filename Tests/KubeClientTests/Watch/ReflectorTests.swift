import Foundation
import HTTPTransport
import Logging
import Synchronization
import TestSupport
import Testing

@testable import KubeClient

/// The reflector over HTTP, against a scripted server.
@Suite struct ReflectorTests {
  /// Waits of milliseconds, and paged lists.
  static var hasty: WatchPolicy {
    var policy = WatchPolicy()
    policy.usesInitialEvents = false
    policy.backoff = .milliseconds(1) ... .milliseconds(5)
    return policy
  }

  /// Runs a reflector of Nodes against the script until `check` returns.
  func withReflector(
    policy: WatchPolicy = hasty, _ script: @escaping @Sendable (Request, ScriptedConnection) throws -> Void,
    check: (Reflector<NodeRecord>, ScriptedServer) async throws -> Void
  ) async throws {
    let (lists, watches) = (Counter(), Counter())
    let server = try scriptedServer { request, connection in
      let version = request.parameter("resourceVersion") ?? ""
      try script(request.isWatch ? .watch(watches.next(), from: version) : .list(lists.next()), connection)
    }
    defer { server.stop() }
    let client = try plainHTTPClient(of: server.url)
    let reflector = Reflector(client: client, resource: .nodes, decoder: Samples.nodes, policy: policy, logger: client.logger)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await reflector.run() }
      try await check(reflector, server)
      group.cancelAll()
    }
    #expect(reflector.status == .waiting(reason: "stopped"))
  }

  /// A request of the reflector and its ordinal number.
  enum Request {
    case list(Int)
    case watch(Int, from: String)
  }

  /// Ends the script of a connection.
  struct Cut: Error {}

  final class Counter: Sendable {
    private let value = Mutex(0)
    func next() -> Int {
      value.withLock { value in
        value += 1
        return value
      }
    }
  }

  func names(_ reflector: Reflector<NodeRecord>) -> [String] { reflector.store.snapshot().map(\.name).sorted() }

  @Test(.timeLimit(.minutes(1)))
  func `list and watch in protobuf`() async throws {
    let gate = Gate()
    try await withReflector { request, connection in
      guard case .watch = request else {
        let body = Samples.list(kind: "NodeList", [Samples.node], version: "5000")
        return try connection.respond(status: 200, headers: [("Content-Type", MediaType.protobuf)], body: body)
      }
      try connection.beginWatch("application/vnd.kubernetes.protobuf;stream=watch")
      let added = ProtobufEncoder {
        $0.message(1) {
          $0.string(1, "b")
          $0.string(6, "5001")
        }
      }.bytes
      for frame in [ProtobufEncoder.frame("ADDED", kind: "Node", added), ProtobufEncoder.frame("DELETED", kind: "Node", Samples.node)] {
        try connection.send("\(String(frame.count, radix: 16))\r\n")
        try connection.send(frame)
        try connection.send("\r\n")
      }
      try connection.stall(until: gate)
    } check: { reflector, server in
      try await eventually("changes are stored") { names(reflector) == ["b"] }
      #expect(reflector.store.isSynced)
      #expect(reflector.status == .synced)
      #expect(server.requests.map { $0.header("Accept") } == Array(repeating: MediaType.leanEither, count: 2))
      #expect(server.requests[1].parameter("resourceVersion") == "5000")
      #expect(reflector.statistics.changes == 2)
      gate.open()
    }
  }

  @Test(
    .timeLimit(.minutes(1)),
    arguments: [false, true])
  func `R11: a stream cut within a line loses nothing and applies no partial event`(byReset: Bool) async throws {
    let (gate, isRead) = (Gate(), Gate())
    try await withReflector { request, connection in
      guard case .watch(_, let version) = request else { return try connection.json(Samples.nodeListJSON(["a"], version: 10)) }
      let second = Samples.eventJSON("ADDED", Samples.nodeJSON("c", version: 12))
      try connection.beginWatch()
      if version == "10" {
        try connection.sendChunk(Samples.eventJSON("ADDED", Samples.nodeJSON("b", version: 11)) + second.dropLast(8))
        // A reset discards data that the client has not read.
        if byReset { try connection.stall(until: isRead) }
        if byReset { connection.reset() } else { connection.finish() }
        throw Cut()
      }
      try connection.sendChunk(second)
      try connection.stall(until: gate)
    } check: { reflector, server in
      try await eventually("the first event is stored") { names(reflector).contains("b") }
      isRead.open()
      try await eventually("a second watch delivers the rest") { names(reflector) == ["a", "b", "c"] }
      #expect(server.requests.filter(\.isWatch).map { $0.parameter("resourceVersion") } == ["10", "11"])
      #expect(reflector.statistics.lists == 1)
      gate.open()
    }
  }

  @Test(.timeLimit(.minutes(1)), arguments: [true, false])
  func `R06, R13: a 410 status or event causes a relist that also deletes`(asStatus: Bool) async throws {
    let gate = Gate()
    try await withReflector { request, connection in
      switch request {
      case .list(1): return try connection.json(Samples.nodeListJSON(["a", "b"], version: 10))
      case .list: return try connection.json(Samples.nodeListJSON(["b", "c"], version: 20))
      case .watch(_, "20"):
        try connection.beginWatch()
        try connection.stall(until: gate)
      case .watch where asStatus: try connection.json(410, Samples.statusJSON(410, "Gone"))
      case .watch:
        try connection.beginWatch()
        try connection.sendChunk(Samples.eventJSON("ERROR", Samples.statusJSON(410, "Expired", "too old resource version")))
        try connection.sendChunk("")
      }
    } check: { reflector, server in
      try await eventually("the second list is stored") { names(reflector) == ["b", "c"] }
      #expect(reflector.statistics.expirations == 1)
      #expect(reflector.statistics.lists == 2)
      gate.open()
    }
  }

  @Test(.timeLimit(.minutes(1)))
  func `R07: a server behind our version that accepts the watch is detected and listed`() async throws {
    var policy = Self.hasty
    policy.unconfirmedSilence = .milliseconds(50)
    let gate = Gate()
    try await withReflector(policy: policy) { request, connection in
      switch request {
      case .list(1): return try connection.json(Samples.nodeListJSON(["a", "lost"], version: 100))
      case .list(2):
        return try connection.json(504, Samples.statusJSON(504, "Timeout", "Too large resource version: 100, current: 40"))
      case .list: return try connection.json(Samples.nodeListJSON(["a"], version: 40))
      case .watch(let number, _):
        try connection.beginWatch()
        if number == 1 {
          connection.finish()
          throw Cut()
        }
        try connection.stall(until: gate)
      }
    } check: { reflector, server in
      try await eventually("the store equals the server") { names(reflector) == ["a"] && reflector.statistics.lists == 2 }
      #expect(server.requests.filter(\.isWatch).map { $0.parameter("resourceVersion") }.prefix(2) == ["100", "100"])
      let question = try #require(server.requests.first { $0.parameter("resourceVersionMatch") != nil })
      #expect(question.parameter("limit") == "1" && question.parameter("resourceVersion") == "100")
      gate.open()
    }
  }

  @Test(
    .timeLimit(.minutes(1)),
    arguments: [false, true])
  func `R08: after a 429 with Retry-After the watch resumes at its version without a list`(asDate: Bool) async throws {
    let gate = Gate()
    let begin = ContinuousClock.now
    try await withReflector { request, connection in
      guard case .watch(let number, _) = request else { return try connection.json(Samples.nodeListJSON(["a"], version: 10)) }
      if number == 1 {
        // A date has a resolution of a second, and the current second may be nearly over.
        let delay = asDate ? Self.httpDate(Date(timeIntervalSinceNow: 2)) : "1"
        return try connection.json(429, headers: [("Retry-After", delay)], Samples.statusJSON(429, "TooManyRequests"))
      }
      try connection.beginWatch()
      try connection.sendChunk(Samples.eventJSON("ADDED", Samples.nodeJSON("b", version: 11)))
      try connection.stall(until: gate)
    } check: { reflector, server in
      try await eventually("the status has the reason") { reflector.status == .waiting(reason: "429 TooManyRequests") }
      #expect(names(reflector) == ["a"])
      try await eventually("the watch continues") { names(reflector) == ["a", "b"] }
      #expect(ContinuousClock.now - begin >= .milliseconds(asDate ? 900 : 1000))
      #expect(reflector.status == .synced)
      #expect(server.requests.map(\.isWatch) == [false, true, true])
      gate.open()
    }
  }

  /// RFC 9110, section 5.6.7.
  private static func httpDate(_ date: Date) -> String {
    let format = DateFormatter()
    format.locale = Locale(identifier: "en_US_POSIX")
    format.timeZone = TimeZone(identifier: "GMT")
    format.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
    return format.string(from: date)
  }

  @Test(.timeLimit(.minutes(1)))
  func `R17: a silent watch ends after its timeout and grace time`() async throws {
    var policy = Self.hasty
    policy.watchSeconds = 1...1
    policy.watchGrace = .milliseconds(200)
    let gate = Gate()
    try await withReflector(policy: policy) { request, connection in
      guard case .watch(let number, _) = request else { return try connection.json(Samples.nodeListJSON(["a"], version: 10)) }
      try connection.beginWatch()
      if number > 1 {
        try connection.sendChunk(Samples.eventJSON("ADDED", Samples.nodeJSON("b", version: 11)))
      }
      try connection.stall(until: gate)
    } check: { reflector, server in
      try await eventually("a second watch was opened") { names(reflector) == ["a", "b"] }
      #expect(server.requests.prefix(3).map(\.isWatch) == [false, true, true])
      gate.open()
    }
  }

  @Test(.timeLimit(.minutes(1)))
  func `R12: an event over 16 MiB ends the watch, and a list recovers`() async throws {
    let gate = Gate()
    try await withReflector { request, connection in
      switch request {
      case .list(1): return try connection.json(Samples.nodeListJSON(["a"], version: 10))
      case .list: return try connection.json(Samples.nodeListJSON(["a", "large"], version: 20))
      case .watch(_, let version):
        try connection.beginWatch()
        if version == "10" { try connection.sendChunk(String(repeating: "x", count: (16 << 20) + 1)) }
        try connection.stall(until: gate)
      }
    } check: { reflector, server in
      try await eventually("the next list is stored") { names(reflector) == ["a", "large"] }
      #expect(reflector.statistics.unreadable == 1)
      gate.open()
    }
  }

  @Test(.timeLimit(.minutes(1)))
  func `R16: a 403 shows its reason, and the reflector recovers`() async throws {
    let gate = Gate()
    let allowed = Gate()
    try await withReflector { request, connection in
      if !allowed.isOpen { return try connection.json(403, Samples.statusJSON(403, "Forbidden", "nodes is forbidden")) }
      guard case .watch = request else { return try connection.json(Samples.nodeListJSON(["a"], version: 10)) }
      try connection.beginWatch()
      try connection.stall(until: gate)
    } check: { reflector, server in
      try await eventually("the status has the reason") { reflector.status == .waiting(reason: "403 Forbidden: nodes is forbidden") }
      #expect(!reflector.store.isSynced)
      allowed.open()
      try await eventually("the reflector recovers") { reflector.status == .synced && names(reflector) == ["a"] }
      gate.open()
    }
  }

  @Test(.timeLimit(.minutes(1)))
  func `R08: an unreachable server is retried`() async throws {
    let server = try scriptedServer { _, _ in }
    let url = server.url
    server.stop()
    let client = try plainHTTPClient(of: url)
    let reflector = Reflector(client: client, resource: .nodes, decoder: Samples.nodes, policy: Self.hasty, logger: client.logger)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await reflector.run() }
      try await eventually("there are several attempts") { reflector.statistics.failures > 3 }
      #expect(!reflector.store.isSynced)
      group.cancelAll()
    }
  }

  @Test
  func `a reflector runs once at a time, and can run again`() async throws {
    let server = try scriptedServer { request, connection in
      guard request.isWatch else { return try connection.json(Samples.nodeListJSON(["a"], version: 10)) }
      try connection.beginWatch()
      try connection.waitForClose()
    }
    defer { server.stop() }
    let client = try plainHTTPClient(of: server.url)
    let reflector = Reflector(client: client, resource: .nodes, decoder: Samples.nodes, policy: Self.hasty, logger: client.logger)
    for _ in 0..<2 {
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await reflector.run() }
        try await eventually("the store is synced") { reflector.status == .synced }
        await reflector.run()
        group.cancelAll()
      }
    }
  }
}
