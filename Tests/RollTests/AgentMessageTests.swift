import Foundation
import Testing

@testable import Roll

struct AgentMessageTests {
  let entry = RollEntry(
    reference: ContainerReference(namespace: "shop", pod: "web-0", container: "nginx"), podUID: "8e6c", containerID: "4f0a",
    hostNetwork: false,
    podIP: "10.0.0.7")

  private func roundTrip<Message: Codable>(_ message: Message) throws -> Message {
    try JSONDecoder().decode(Message.self, from: JSONEncoder().encode(message))
  }

  @Test func `requests keep their content as JSON`() throws {
    let full = RollRequest(node: "n1", hash: "h", entries: [entry])
    #expect(try roundTrip(full) == full)
    let brief = RollRequest(node: "n1", hash: "h", entries: nil)
    #expect(try roundTrip(brief) == brief)
    let named = RollRequest(node: "n1", hash: "h", entries: nil, wantsSockets: true, scrapers: ["Prometheus/"])
    #expect(try roundTrip(named) == named)
    let empty = RollRequest(node: "n1", hash: "h", entries: [])
    #expect(try roundTrip(empty).entries == [], "an empty roll differs from no roll")
  }

  @Test func `reports keep their content as JSON`() throws {
    let report = RollReport(
      hash: "h", answers: [.collected(age: 0.25)] + Reason.allCases.map { .missed($0, detail: "why \"it\" was missed\n") },
      secondsSinceScrape: 3)
    #expect(try roundTrip(report) == report)
    #expect(try roundTrip(RollReport(hash: "h", answers: [], secondsSinceScrape: nil)).secondsSinceScrape == nil)
  }

  @Test func `the members have the names of the protocol`() throws {
    let request =
      #"{"node":"n1","hash":"h","entries":[{"reference":{"namespace":"shop","pod":"web-0","container":"nginx"},"#
      + #""podUID":"8e6c","containerID":"4f0a","hostNetwork":false,"podIP":"10.0.0.7"}]}"#
    #expect(try JSONDecoder().decode(RollRequest.self, from: Data(request.utf8)) == RollRequest(node: "n1", hash: "h", entries: [entry]))
    let report = #"{"hash":"h","answers":[{"age":1.5},{"reason":"PidNotFound","detail":"no process"}],"secondsSinceScrape":2}"#
    #expect(
      try JSONDecoder().decode(RollReport.self, from: Data(report.utf8))
        == RollReport(hash: "h", answers: [.collected(age: 1.5), .missed(.pidNotFound, detail: "no process")], secondsSinceScrape: 2))
  }

  @Test func `R74: an exempt container is a miss to a controller that does not know exemptions`() throws {
    struct OlderAnswer: Decodable, Equatable {
      var age: Double?
      var reason: Reason?
      var detail: String?
    }
    let exempt = AgentAnswer.exempt(.sandboxedRuntime, detail: "in a sandbox")
    #expect(try roundTrip(exempt) == exempt)
    let older = try JSONDecoder().decode(OlderAnswer.self, from: JSONEncoder().encode(exempt))
    #expect(older == OlderAnswer(age: nil, reason: .pidNotFound, detail: "in a sandbox"))
  }

  @Test func `an unknown reason is refused`() {
    let report = #"{"hash":"h","answers":[{"reason":"Bored"}]}"#
    #expect(throws: DecodingError.self) { try JSONDecoder().decode(RollReport.self, from: Data(report.utf8)) }
  }

  @Test func `containers are sorted by namespace, pod and name`() {
    let references = [("b", "a", "a"), ("a", "b", "a"), ("a", "a", "b"), ("a", "a", "a")].map {
      ContainerReference(namespace: $0.0, pod: $0.1, container: $0.2)
    }
    #expect(references.sorted() == references.reversed())
  }
}
