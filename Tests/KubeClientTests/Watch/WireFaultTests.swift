import HTTPTransport
import Synchronization
import TestSupport
import Testing

@testable import KubeClient

/// A server that sends malformed or slow bytes.
extension ReflectorTests {
  @Test(.timeLimit(.minutes(1)))
  func `R17: a watch that trickles byte by byte ends after its timeout and grace time`() async throws {
    var policy = Self.hasty
    policy.watchSeconds = 1...1
    policy.watchGrace = .milliseconds(200)
    let gate = Gate()
    try await withReflector(policy: policy) { request, connection in
      guard case .watch(let number, _) = request else { return try connection.json(Samples.nodeListJSON(["a"], version: 10)) }
      let event = Samples.eventJSON("ADDED", Samples.nodeJSON("b", version: 11))
      try connection.beginWatch()
      if number == 1 {
        try connection.send("\(String(event.utf8.count, radix: 16))\r\n")
        try connection.sendSlowly(Array(event.utf8), pause: .milliseconds(100))
      }
      try connection.sendChunk(event)
      try connection.stall(until: gate)
    } check: { reflector, server in
      try await eventually("a second watch delivers the event") { names(reflector) == ["a", "b"] }
      #expect(server.requests.filter(\.isWatch).map { $0.parameter("resourceVersion") } == ["10", "10"])
      #expect(reflector.statistics.lists == 1 && reflector.statistics.changes == 1)
      gate.open()
    }
  }

  @Test(.timeLimit(.minutes(1)))
  func `an event that arrives byte by byte is applied when complete`() async throws {
    let gate = Gate()
    try await withReflector { request, connection in
      guard case .watch = request else { return try connection.json(Samples.nodeListJSON(["a"], version: 10)) }
      try connection.beginWatch()
      for byte in Samples.eventJSON("ADDED", Samples.nodeJSON("b", version: 11)).utf8 {
        try connection.sendChunk(String(UnicodeScalar(byte)))
      }
      try connection.stall(until: gate)
    } check: { reflector, server in
      try await eventually("the event is stored") { names(reflector) == ["a", "b"] }
      #expect(reflector.statistics.failures == 0 && server.requests.count == 2)
      gate.open()
    }
  }

  enum Wrong: CaseIterable {
    case kindOfList, statusAsList, notJSON, notUTF8, contentType, kindOfEvent, unknownEvent, eventWithoutObject
  }

  @Test(arguments: Wrong.allCases)
  func `R12: a wrong or missing object is counted and not applied, and a list recovers`(_ wrong: Wrong) async throws {
    let gate = Gate()
    try await withReflector { request, connection in
      switch (request, wrong) {
      case (.list(1), .kindOfList):
        try connection.json(Samples.nodeListJSON([], version: 9).replacing("NodeList", with: "PodList"))
      case (.list(1), .statusAsList): try connection.json(Samples.statusJSON(200, "Success"))
      case (.list(1), .notJSON): try connection.json("<html>a portal</html>")
      case (.list(1), .notUTF8):
        let body = Array(Samples.nodeListJSON(["?"], version: 9).utf8).map { $0 == UInt8(ascii: "?") ? 0xff : $0 }
        try connection.respond(status: 200, headers: [("Content-Type", "application/json")], body: body)
      case (.list(1), .contentType):
        try connection.respond(status: 200, headers: [("Content-Type", "text/html")], body: Samples.nodeListJSON(["x"], version: 9))
      case (.list, _): try connection.json(Samples.nodeListJSON(["a"], version: 10))
      case (.watch(1, _), .kindOfEvent):
        try connection.beginWatch()
        try connection.sendChunk(
          Samples.eventJSON("ADDED", #"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"x","resourceVersion":"11"}}"#))
        try connection.stall(until: gate)
      case (.watch(1, _), .unknownEvent):
        try connection.beginWatch()
        try connection.sendChunk(Samples.eventJSON("RENAMED", Samples.nodeJSON("x", version: 11)))
        try connection.stall(until: gate)
      case (.watch(1, _), .eventWithoutObject):
        try connection.beginWatch()
        try connection.sendChunk(#"{"type":"ADDED"}"# + "\n")
        try connection.stall(until: gate)
      case (.watch, _):
        try connection.beginWatch()
        try connection.sendChunk(Samples.eventJSON("ADDED", Samples.nodeJSON("b", version: 12)))
        try connection.stall(until: gate)
      }
    } check: { reflector, server in
      try await eventually("the reflector recovers") { names(reflector) == ["a", "b"] }
      #expect(reflector.statistics.unreadable == 1)
      gate.open()
    }
  }

  @Test(.timeLimit(.minutes(1)))
  func `R03: an expired continue token causes a list without pages`() async throws {
    let gate = Gate()
    try await withReflector { request, connection in
      switch request {
      case .list(1): try connection.json(Samples.nodeListJSON(["gone", "a"], version: 10, token: "t1"))
      case .list(2): try connection.json(410, Samples.statusJSON(410, "Expired", "The provided continue parameter is too old"))
      case .list: try connection.json(Samples.nodeListJSON(["a", "b"], version: 20))
      case .watch:
        try connection.beginWatch()
        try connection.stall(until: gate)
      }
    } check: { reflector, server in
      try await eventually("the list is stored") { names(reflector) == ["a", "b"] && reflector.statistics.lists == 1 }
      let lists = server.requests.filter { !$0.isWatch }
      #expect(lists.map { $0.parameter("continue") } == [nil, "t1", nil])
      #expect(lists.map { $0.parameter("limit") } == ["500", "500", nil])
      #expect(reflector.statistics.expirations == 1)
      gate.open()
    }
  }
}
