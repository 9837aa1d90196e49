import HTTPTransport
import JSON
import KubeClient
import Roll
import Simulator
import TestSupport
import Testing

@testable import Controller

@Suite struct GapHistoryTests {
  private let reading = ClockReading(moment: moment(1000), unixMilliseconds: 43_200_000)

  private func closed(
    _ pod: String, reason: Reason = .agentUnreachable, detail: String = "", end: GapEnd = .recovered, since: Double = 0, at: Double = 900
  ) -> GapTransition {
    let after = Duration.seconds(at - since)
    return GapTransition(
      gap: cartGap(pod, reason: reason, detail: detail, since: since), change: .closed(end, after: after), at: moment(at))
  }

  private func history(_ transitions: [GapTransition]) -> GapHistory {
    var history = GapHistory()
    history.add(transitions, at: reading) { _ in Workload(kind: "Deployment", name: "cart") }
    return history
  }

  @Test func `ended gaps are kept with their times and ends, and those that opened are not`() {
    let opened = GapTransition(gap: cartGap("a"), change: .opened, at: moment(900))
    let ended = history([closed("a", detail: "refused", since: 100), opened, closed("b", end: .exempt(.ignored), at: 950)]).ended
    #expect(ended.map(\.container.pod) == ["a", "b"])
    #expect(ended.map(\.sinceUnixMilliseconds) == [43_200_000 - 900_000, 43_200_000 - 1_000_000])
    #expect(ended.map(\.endUnixMilliseconds) == [43_200_000 - 100_000, 43_200_000 - 50_000])
    #expect(ended.map(\.end) == [.recovered, .exempt(.ignored)])
    #expect(ended.map(\.count) == [1, 1] && ended[0].detail == "refused")
    #expect(ended[0].workload == Workload(kind: "Deployment", name: "cart"))
  }

  @Test func `R131: many gaps of a node with one cause are one entry, so that others stay`() {
    var history = history([closed("other", reason: .pidNotFound)])
    for round in 0..<50 {
      history.add((0..<60).map { closed("p\($0)", since: Double($0), at: 900 + Double(round)) }, at: reading) { _ in nil }
    }
    #expect(history.ended.count == 51)
    #expect(history.ended.first?.container.pod == "other")
    #expect(history.ended.last?.count == 60 && history.ended.last?.container.pod == "p0", "the oldest stands for all")
  }

  @Test func `R131: the number of entries is bounded, and the newest stay`() {
    var history = GapHistory()
    for number in 0..<3000 { history.add([closed("p\(number)")], at: reading) { _ in nil } }
    #expect(history.ended.count == GapHistory.limit)
    #expect(history.ended.last?.container.pod == "p2999")
    history.restore(history.ended)
    #expect(history.ended.count == GapHistory.limit)
  }

  @Test func `R131: the archive returns what was saved`() throws {
    let ends: [GapEnd] = [.recovered, .leftRoll, .replaced, .superseded, .relaxed, .exempt(.terminating)]
    let ended = history(ends.enumerated().map { closed("p\($0)", detail: "ä \"x\"", end: $1, since: 5) }).ended
    let object = GapHistoryArchive().configMap(of: ended, namespace: "rollcall")
    #expect(object["metadata"]?["name"] == "rollcall-gap-history" && object["metadata"]?["namespace"] == "rollcall")
    #expect(try GapHistoryArchive().gaps(of: object) == ended)
  }

  @Test func `R131: the archive is bounded in bytes, whatever names and details are`() throws {
    // Texts that do not compress.
    var random = SystemRandomNumberGenerator()
    var history = GapHistory()
    for number in 0..<1000 {
      let pod = (0..<30).map { _ in String(random.next() as UInt64, radix: 36) }.joined()
      let detail = (0..<15).map { _ in "\(random.next() as UInt64)" }.joined()
      history.add([closed(pod, detail: detail, since: Double(number))], at: reading) { _ in nil }
    }
    var archive = GapHistoryArchive()
    archive.maximumBytes = 20_000
    let object = archive.configMap(of: history.ended, namespace: "rollcall")
    let bytes = try #require(object["binaryData"]?["gap-history.json.gz"]?.string).utf8.count
    #expect(bytes <= 20_000 * 4 / 3 + 4)
    let kept = try archive.gaps(of: object)
    #expect(!kept.isEmpty && kept == Array(history.ended.suffix(kept.count)), "the newest are kept")
  }

  @Test(arguments: [
    #"{"binaryData":{}}"#, #"{"binaryData":{"gap-history.json.gz":"!"}}"#, #"{"binaryData":{"gap-history.json.gz":"AAAA"}}"#,
    #"{"data":{"gap-history.json.gz":"x"}}"#,
  ])
  func `an archive that cannot be read says where`(text: String) throws {
    let object = try JSONValue(parsing: Array(text.utf8))
    let error = #expect(throws: GapArchiveError.self) { try GapHistoryArchive().gaps(of: object) }
    #expect("\(String(describing: error))".contains("rollcall-gap-history"))
  }

  @Test func `R131: a restart keeps the ended gaps`() async throws {
    let collector = ScriptedCollector()
    collector.answer(.missed(.agentUnreachable, detail: "connection refused"))
    let collectors = NodeCollectors { _ in collector }
    try await withSimulator { server in
      try server.put(nodeObject("a", address: "10.0.0.1"))
      try server.put(podObject("web", on: "a"))
      let page = { (running: RunningController) in
        String(decoding: try await running.request("/page/history").body, as: UTF8.self)
      }
      try await RunningController.run(kubeconfig: server.kubeconfig(), collectors: collectors) { running in
        try await eventually("there is a gap") { try await running.gaps()?.isEmpty == false }
        collector.answer(.collected(age: .zero))
        try await eventually("it has ended") { try await page(running).contains("seen again") }
      }
      #expect(server.get("configmaps", namespace: "rollcall", name: "rollcall-gap-history") != nil, "it is saved at the end")
      try await RunningController.run(kubeconfig: server.kubeconfig(), collectors: collectors) { running in
        try await eventually("it is there again") {
          let text = try await page(running)
          return text.contains("seen again") && text.contains("AgentUnreachable") && text.contains("1 to 1 of 1 entries")
        }
      }
    }
  }
}
