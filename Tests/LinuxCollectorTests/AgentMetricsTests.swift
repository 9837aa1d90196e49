import Foundation
import LinuxCollector
import Roll
import TestSupport
import Testing

@testable import Exposition

struct AgentMetricsTests {
  /// Creates a node with every kind of container that the exposition distinguishes.
  private func populate(_ tree: FixtureTree) throws -> [RollEntry] {
    let uid = "0b1ffb26-1d2c-4d0c-8d3c-5f7e7f5d0c11"
    let strangerUID = "11111111-2222-3333-4444-555555555555"
    try tree.unify()
    try tree.process(1, namespace: "host", sockets: 500)
    // A pod of a pause container and two other containers.
    for (index, process) in [10, 11, 12].enumerated() {
      try tree.process(Int32(process), namespace: "web", sockets: 40)
      try tree.cgroup("kubepods/pod\(uid)/\(containerID("a\(index)"))", [Int32(process)])
    }
    // A pod whose container the roll has only by the pod's UID, one on the host's network, and two that are not on the roll.
    try tree.process(20, namespace: "batch", sockets: 7)
    try tree.cgroup("kubepods/pod\(strangerUID)/\(containerID("b0"))", [20])
    try tree.process(30, namespace: "host")
    try tree.cgroup("kubepods/\(containerID("c0"))", [30])
    try tree.process(40, namespace: "unknown", sockets: 3)
    try tree.cgroup("docker/\(containerID("d0"))", [40])
    try tree.process(50, namespace: "unknown pod", sockets: 4)
    try tree.cgroup("kubepods/podabcdef01-2222-3333-4444-555555555555/\(containerID("e0"))", [50])
    return [
      RollEntry.test("shop", "web-0", "app", id: containerID("a1"), podUID: uid),
      RollEntry.test("shop", "web-0", "sidecar", id: containerID("a2"), podUID: uid),
      RollEntry.test("batch", "job \"quoted\"", "main", id: containerID("ff"), podUID: strangerUID),
      RollEntry.test("kube-system", "proxy", "proxy", id: containerID("c0"), podUID: "x", hostNetwork: true),
    ]
  }

  private func exposition(_ sweep: Sweep, roll: [RollEntry], cadvisor: Bool = false, _ format: ExpositionFormat = .text) -> String {
    var sweep = sweep
    // The measured duration differs between runs.
    sweep.duration = .milliseconds(12)
    var answers = AnswerCounts()
    answers.add([.collected(age: 1), .missed(.pidNotFound, detail: "gone")])
    let metrics = AgentMetrics(
      node: "node-1", roll: roll, sweep: sweep, state: AgentState(version: "1.2.3", sweeps: 4, answers: answers),
      process: ProcessMetrics(
        cpuSeconds: 1.25, residentBytes: 8_388_608, virtualBytes: 33_554_432, openFileDescriptors: 12, maximumFileDescriptors: 1024,
        startTimeSeconds: 1_700_000_000.5),
      memoryPageBytes: 4096, isCadvisorCompatible: cadvisor)
    return String(decoding: metrics.render(format), as: UTF8.self)
  }

  @Test func `the exposition of the fixture tree equals the golden file`() throws {
    let tree = try FixtureTree()
    let roll = try populate(tree)
    let text = exposition(tree.sweep(sockets: .text), roll: roll, cadvisor: true)
    let expected = try GoldenFile("LinuxCollectorTests/Fixtures/metrics.golden").text(comparedWith: text)
    // By line, for a readable difference.
    #expect(text.split(separator: "\n") == expected.split(separator: "\n"), "hack/update-golden accepts the new output")
    #expect(text == expected)
  }

  @Test(.enabled(if: findProgram("promtool") != nil, "promtool is not installed (Debian: prometheus)"))
  func `promtool accepts the exposition`() async throws {
    let tree = try FixtureTree()
    let roll = try populate(tree)
    let folder = try TemporaryFolder()
    let file = try folder.write(exposition(tree.sweep(sockets: .text), roll: roll), to: "metrics")
    let promtool = try ExternalProgram("sh", ["-c", "promtool check metrics < \(file)"], log: folder.path + "/log")
    #expect(try await promtool.waitForExit() == 0)
    #expect(promtool.output == "")
  }

  @Test func `in OpenMetrics, family names have no _total suffix and the body ends with EOF`() throws {
    let tree = try FixtureTree()
    let roll = try populate(tree)
    let text = exposition(tree.sweep(sockets: .text), roll: roll, .openMetrics)
    #expect(text.contains("# TYPE rollcall_pod_tcp_active_opens counter\nrollcall_pod_tcp_active_opens_total{"))
    #expect(text.contains("# TYPE rollcall_agent_sweeps counter\nrollcall_agent_sweeps_total 4\n"))
    #expect(text.hasSuffix("\n# EOF\n"))
  }

  @Test func `sockets that were not counted have no series`() throws {
    let tree = try FixtureTree()
    let roll = try populate(tree)
    let text = exposition(tree.sweep(), roll: roll, cadvisor: true)
    for name in [
      "rollcall_pod_tcp_sockets", "rollcall_pod_tcp_orphans", "accept_queue", "udp_receive_queue", "container_network_tcp_usage",
    ] {
      #expect(!text.contains(name), "\(name)")
    }
    #expect(text.contains("rollcall_agent_socket_states 0\n"))
  }

  @Test func `a pod that has ended has no series`() throws {
    let tree = try FixtureTree()
    let roll = try populate(tree)
    try tree.remove("proc/20")
    let text = exposition(tree.sweep(sockets: .text), roll: roll, cadvisor: true)
    #expect(!text.contains("namespace=\"batch\""))
    #expect(text.contains("namespace=\"shop\""))
  }

  @Test func `cAdvisor's families are exported for the sandbox, once per pod`() throws {
    let tree = try FixtureTree()
    let roll = try populate(tree)
    let lines = exposition(tree.sweep(sockets: .text), roll: roll, cadvisor: true).split(separator: "\n")
    let labels =
      "container=\"\",id=\"/kubepods/pod0b1ffb26-1d2c-4d0c-8d3c-5f7e7f5d0c11/\(containerID("a0"))\",image=\"\",name=\"\(containerID("a0"))\",namespace=\"shop\",pod=\"web-0\""
    for sample in [
      "container_network_tcp_usage_total{\(labels),tcp_state=\"listen\"} 30",
      "container_network_tcp_usage_total{\(labels),tcp_state=\"finwait1\"} 1",
      "container_network_tcp6_usage_total{\(labels),tcp_state=\"listen\"} 10",
      "container_network_udp_usage_total{\(labels),udp_state=\"dropped\"} 3",
      "container_network_udp_usage_total{\(labels),udp_state=\"rxqueued\"} 16",
      "container_network_advance_tcp_stats_total{\(labels),tcp_state=\"listenoverflows\"} 2",
      "container_network_advance_tcp_stats_total{\(labels),tcp_state=\"currestab\"} 40",
      "container_network_advance_tcp_stats_total{\(labels),tcp_state=\"tcpfackreorder\"} 0",
    ] {
      #expect(lines.contains { $0 == sample }, "\(sample)")
    }
    #expect(lines.filter { $0.hasPrefix("container_network_tcp_usage_total{") && $0.contains("pod=\"web-0\"") }.count == 11)
  }

  @Test func `without a roll, namespaces are exported with their pod's UID and a container's ID`() throws {
    let tree = try FixtureTree()
    _ = try populate(tree)
    let text = exposition(tree.sweep(), roll: [])
    #expect(!text.contains("rollcall_pod_"))
    let lines = text.split(separator: "\n").filter { $0.hasPrefix("rollcall_unnamed_container_sockstat_tcp_inuse{") }
    #expect(lines.count == 4)
    #expect(lines.first?.contains("container_id=\"\(containerID("a0"))\"") == true)
  }

  @Test func `a pod whose container created its own namespace has one series, and the other namespace is exported as unnamed`() throws {
    let tree = try FixtureTree()
    try tree.unify()
    try tree.process(1, namespace: "host")
    try tree.process(10, namespace: "pod", sockets: 40)
    try tree.process(11, namespace: "own", sockets: 7)
    try tree.cgroup("docker/\(containerID("1"))", [10])
    try tree.cgroup("docker/\(containerID("2"))", [11])
    let text = exposition(
      tree.sweep(),
      roll: [RollEntry.test("shop", "web", "a", id: containerID("1")), RollEntry.test("shop", "web", "b", id: containerID("2"))])
    #expect(text.contains("rollcall_pod_sockstat_tcp_inuse{namespace=\"shop\",pod=\"web\",node=\"node-1\"} 40\n"))
    #expect(
      text.contains("rollcall_unnamed_container_sockstat_tcp_inuse{pod_uid=\"\",container_id=\"\(containerID("2"))\",node=\"node-1\"} 7\n"))
  }

  @Test func `a pod with hostNetwork has no series even if the host's namespace is unknown`() throws {
    let tree = try FixtureTree()
    try tree.unify()
    try tree.process(10, namespace: "host", sockets: 500)
    try tree.cgroup("docker/\(containerID("1"))", [10])
    let roll = [RollEntry.test("kube-system", "proxy", "proxy", id: containerID("1"), hostNetwork: true)]
    let sweep = tree.sweep()
    #expect(!exposition(sweep, roll: roll).contains("sockstat"))
    #expect(sweep.answers(to: roll, at: Moment(milliseconds: 5000)) == [.collected(age: 0)])
  }
}
