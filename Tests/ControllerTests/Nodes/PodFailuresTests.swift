import Collector
import HTTPTransport
import Logging
import Roll
import TestSupport
import Testing

@testable import Controller

@Suite struct PodFailuresTests {
  private static func roll(_ pods: [String], node: String = "v1", notDue: Exemption? = nil) -> NodeRoll {
    let entries = pods.flatMap { pod in
      ["app", "log"].map { container in
        RollEntry(
          reference: ContainerReference(namespace: "shop", pod: pod, container: container), podUID: pod, containerID: "",
          hostNetwork: false,
          notDue: notDue)
      }
    }
    return NodeRoll(node: node, source: .virtual, address: nil, nodeReady: true, entries: entries, exempt: [], hash: "")
  }

  /// A call with the given result for both containers of each pod.
  private static func call(_ reasons: [Reason?]) -> RollCall {
    RollCall(
      answers: reasons.flatMap { reason in
        let answer = reason.map { Answer.missed($0, detail: "because") } ?? .collected(age: .zero)
        return [answer, answer]
      }, lastScrape: .never)
  }

  @Test func `a Pod is reported once per change`() {
    var failures = PodFailures()
    let roll = Self.roll(["a", "b"])
    func change(_ reasons: [Reason?]) -> [String] {
      failures.changes(by: Self.call(reasons), of: roll).map { "\($0.pod) \($0.state)" }
    }
    #expect(change([nil, nil]) == [])
    #expect(change([.endpointTimeout, nil]) == ["a \(PodChange.State.failed(.endpointTimeout))"])
    #expect(change([.endpointTimeout, nil]) == [])
    #expect(change([.badExposition, nil]) == ["a \(PodChange.State.failed(.badExposition))"])
    #expect(
      change([nil, .tooLarge]) == ["b \(PodChange.State.failed(.tooLarge))", "a \(PodChange.State.recovered(.badExposition))"])
    #expect(change([nil, nil]) == ["b \(PodChange.State.recovered(.tooLarge))"])
    #expect(change([nil, nil]) == [])
  }

  @Test func `a Pod that leaves is not reported as recovered`() {
    var failures = PodFailures()
    _ = failures.changes(by: Self.call([.endpointTimeout, .endpointTimeout]), of: Self.roll(["a", "b"]))
    #expect(failures.changes(by: Self.call([.endpointTimeout]), of: Self.roll(["b"])) == [])
    // A pod that returns is reported again.
    #expect(failures.changes(by: Self.call([.endpointTimeout, nil]), of: Self.roll(["a", "b"])).map(\.pod) == ["a", "b"])
    failures.forget(node: "v1")
    #expect(failures.changes(by: Self.call([.endpointTimeout]), of: Self.roll(["a"])).count == 1)
  }

  @Test func `a Pod that starts, restarts or terminates has neither failed nor recovered`() {
    var failures = PodFailures()
    func change(_ reason: Reason?, _ notDue: Exemption? = nil) -> [PodChange.State] {
      failures.changes(by: Self.call([reason]), of: Self.roll(["a"], notDue: notDue)).map(\.state)
    }
    #expect(change(.endpointUnreachable, .starting) == [])
    #expect(change(.endpointUnreachable) == [.failed(.endpointUnreachable)])
    #expect(change(.endpointUnreachable, .restarting) == [])
    #expect(change(.endpointUnreachable) == [])
    #expect(change(nil, .terminating) == [.recovered(.endpointUnreachable)])
    #expect(change(.endpointUnreachable, .terminating) == [])
  }

  @Test func `thousands of simultaneous failures share log lines`() throws {
    let log = RecordedLog()
    let collector = VirtualNodeCollector(
      VirtualCollector(transport: try HTTPTransport(), settings: VirtualSettings()), logger: log.logger)
    let pods = (0..<5000).map { "pod-\($0)" }
    let roll = Self.roll(pods)
    func lines(_ reasons: [Reason?]) -> [RecordedLog.Line] {
      collector.logChanges(by: Self.call(reasons), of: roll)
      return log.take()
    }
    var down = [Reason?](repeating: .endpointUnreachable, count: 5000)
    down[17] = .badExposition
    let failed = lines(down)
    #expect(failed.count == 51)
    #expect(failed.allSatisfy { $0.level == .warning && $0.metadata["detail"] == "because" && $0.metadata["node"] == "v1" })
    // The pod with a different reason has its own line; each of the others is named once.
    #expect(failed.filter { $0.metadata["pod"] == "shop/pod-17" && $0.metadata["reason"] == "BadExposition" }.count == 1)
    let named = failed.compactMap { $0.metadata["pods"] }.flatMap { "\($0)".split(separator: " ").map(String.init) }
    #expect(named.count == 4999 && Set(named).count == 4999)

    #expect(lines(down).isEmpty)
    #expect(
      lines([nil, nil] + down[2...]).map { "\($0.level) \($0.metadata["pod"] ?? "")" } == ["notice shop/pod-0", "notice shop/pod-1"])
    #expect(lines(Array(repeating: nil, count: 5000)).count == 51)
  }
}
