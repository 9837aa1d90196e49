import JSON
import Logging
import Simulator
import TestSupport
import Testing

@testable import KubeClient

/// The recorder against an API server that validates Events.
@Suite(.timeLimit(.minutes(1))) struct EventRecorderTests {
  private func event(_ pod: String = "web-0", reason: String = "NotCollected") -> ClusterEvent {
    ClusterEvent(
      about: .pod(pod, namespace: "default", uid: "uid-\(pod)"), type: .warning, reason: reason, action: "CallingRoll", note: "n")
  }

  private func withRecorder(
    _ body: @Sendable (SimulatedAPIServer, EventRecorder, RecordedLog) async throws -> Void
  ) async throws {
    try await withSimulator { server, client in
      var policy = EventPolicy()
      policy.pollInterval = .milliseconds(2)
      policy.backoff = .milliseconds(1) ... .milliseconds(10)
      let log = RecordedLog()
      let recorder = EventRecorder(
        client: client, controller: "rollcall.dev/controller", instance: "rollcall-0", policy: policy,
        logger: log.logger)
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await recorder.run() }
        try await body(server, recorder, log)
        group.cancelAll()
      }
    }
  }

  @Test func `an Event has the fields that kubectl looks for`() async throws {
    try await withRecorder { server, recorder, _ in
      recorder.record(event())
      recorder.record(ClusterEvent(about: .node("n"), type: .normal, reason: "CollectedAgain", action: "CallingRoll", note: "n"))
      try await eventually("both are written") { recorder.statistics.written == 2 }
      let written = try server.list("events", namespace: "default")
      let aboutPod = try #require(written.first { $0["involvedObject"]?["kind"] == "Pod" })
      #expect(
        aboutPod["involvedObject"] == ["apiVersion": "v1", "kind": "Pod", "namespace": "default", "name": "web-0", "uid": "uid-web-0"])
      #expect(aboutPod["reportingComponent"] == "rollcall.dev/controller" && aboutPod["type"] == "Warning" && aboutPod["message"] == "n")
      let aboutNode = try #require(written.first { $0["involvedObject"]?["kind"] == "Node" })
      #expect(aboutNode["involvedObject"]?["uid"] == "n" && aboutNode["type"] == "Normal")
    }
  }

  @Test func `a series is one Event, even if the server deleted it`() async throws {
    try await withRecorder { server, recorder, _ in
      recorder.record(event())
      try await eventually("the event is written") { recorder.statistics.written == 1 }
      recorder.record(event())
      try await eventually("the series is written") { recorder.statistics.written == 2 }
      let first = try server.list("events", namespace: "default")
      #expect(first.count == 1 && first.first?["series"]?["count"] == 2)

      recorder.record(event("web-1"))
      try await eventually("another event is written") { recorder.statistics.written == 3 }
      for object in try server.list("events", namespace: "default") {
        try server.remove("events", namespace: "default", name: object["metadata"]?["name"]?.string ?? "")
      }
      recorder.record(event("web-1"))
      try await eventually("the series is written") { recorder.statistics.written == 4 }
      #expect(try server.list("events", namespace: "default").map { $0["series"]?["count"] } == [2])
    }
  }

  @Test func `failures of the server are retried`() async throws {
    try await withRecorder { server, recorder, log in
      server.rejectNext(Rejection(status: 503, reason: "ServiceUnavailable", count: 2, verb: .create))
      server.rejectNext(Rejection(status: 429, reason: "TooManyRequests", count: 1, verb: .create))
      recorder.record(event())
      try await eventually("the event is written") { recorder.statistics.written == 1 }
      #expect(recorder.statistics.retries == 3 && recorder.statistics.refused == 0)
      #expect(log.lines.allSatisfy { $0.level != .warning })
    }
  }

  @Test(arguments: [403, 404]) func `a refusal is logged once`(status: Int) async throws {
    try await withRecorder { server, recorder, log in
      server.rejectNext(Rejection(status: status, reason: "Refused", count: 3, verb: .create))
      for number in 0..<4 { recorder.record(event("web-\(number)")) }
      try await eventually("the last event is written") { recorder.statistics.written == 1 }
      #expect(recorder.statistics.refused == 3 && recorder.statistics.retries == 0)
      #expect(log.lines.count { $0.level == .warning } == 1)
    }
  }

  @Test func `an existing Event counts as written`() async throws {
    try await withRecorder { server, recorder, _ in
      server.rejectNext(Rejection(status: 409, reason: "AlreadyExists", verb: .create))
      recorder.record(event())
      try await eventually("the event counts as written") { recorder.statistics.written == 1 }
      #expect(recorder.statistics.refused == 0)
    }
  }

  @Test func `an unreachable server is retried until it responds`() async throws {
    let address = OwnAddress()
    let quiet = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
    var policy = EventPolicy()
    policy.pollInterval = .milliseconds(2)
    policy.backoff = .milliseconds(5) ... .milliseconds(20)
    let recorder = EventRecorder(
      client: try plainHTTPClient(of: "http://\(address)"), controller: "rollcall.dev/controller", instance: "rollcall-0", policy: policy,
      logger: quiet)
    recorder.record(event())
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await recorder.run() }
      try await eventually("attempts exceed the limit for responses") {
        recorder.statistics.retries > EventPolicy().maximumAttempts
      }
      let server = SimulatedAPIServer(configuration: SimulatorConfiguration(host: address.host, port: address.port), logger: quiet)
      group.addTask { try await server.run() }
      try await eventually("the event is written") { recorder.statistics.written == 1 }
      #expect(try server.list("events", namespace: "default").count == 1)
      group.cancelAll()
    }
  }
}
