import Foundation
import LinuxCollector
import Roll
import TestSupport
import Testing

@testable import Exposition

struct PageTests {
  /// A node with everything that a page tells apart.
  private func populate(_ tree: FixtureTree) throws -> [RollEntry] {
    let uid = "0b1ffb26-1d2c-4d0c-8d3c-5f7e7f5d0c11"
    let strangerUID = "11111111-2222-3333-4444-555555555555"
    try tree.unify()
    try tree.process(1, namespace: "host", sockets: 500)
    // A pod of a pause container and two others.
    for (index, process) in [10, 11, 12].enumerated() {
      try tree.process(Int32(process), namespace: "web", sockets: 40)
      try tree.cgroup("kubepods/pod\(uid)/\(containerID("a\(index)"))", [Int32(process)])
    }
    // A pod whose container the roll knows by the pod's UID alone, one that shares the host's network, and two that nobody knows.
    try tree.process(20, namespace: "batch", sockets: 7)
    try tree.cgroup("kubepods/pod\(strangerUID)/\(containerID("b0"))", [20])
    try tree.process(30, namespace: "host")
    try tree.cgroup("kubepods/\(containerID("c0"))", [30])
    try tree.process(40, namespace: "unknown", sockets: 3)
    try tree.cgroup("docker/\(containerID("d0"))", [40])
    try tree.process(50, namespace: "unknown pod", sockets: 4)
    try tree.cgroup("kubepods/podabcdef01-2222-3333-4444-555555555555/\(containerID("e0"))", [50])
    return [
      entry("shop", "web-0", "app", id: containerID("a1"), podUID: uid),
      entry("shop", "web-0", "sidecar", id: containerID("a2"), podUID: uid),
      entry("batch", "job \"quoted\"", "main", id: containerID("ff"), podUID: strangerUID),
      entry("kube-system", "proxy", "proxy", id: containerID("c0"), podUID: "x", hostNetwork: true),
    ]
  }

  private func page(_ sweep: Sweep, roll: [RollEntry]) -> String {
    var answers = AnswerCounts()
    answers.add([.collected(age: 1), .missed(.pidNotFound, detail: "gone")])
    let page = AgentPage(
      node: "node-1", roll: roll, sweep: sweep, state: AgentState(version: "1.2.3", sweeps: 4, answers: answers),
      process: ProcessMetrics(
        cpuSeconds: 1.25, residentBytes: 8_388_608, virtualBytes: 33_554_432, openFileDescriptors: 12, maximumFileDescriptors: 1024,
        startTimeSeconds: 1_700_000_000.5),
      memoryPageBytes: 4096)
    return String(decoding: page.render(), as: UTF8.self)
  }

  @Test func `the whole page of a fixture tree is as it was`() throws {
    let tree = try FixtureTree()
    let roll = try populate(tree)
    let text = page(tree.sweep(), roll: roll)
    let golden = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/metrics.golden")
    if ProcessInfo.processInfo.environment["ROLLCALL_UPDATE_GOLDEN"] == "1" { try Data(text.utf8).write(to: golden) }
    let expected = try String(contentsOf: golden, encoding: .utf8)
    // Line by line, so that a difference is readable.
    #expect(text.split(separator: "\n") == expected.split(separator: "\n"), "ROLLCALL_UPDATE_GOLDEN=1 takes the new page for the right one")
    #expect(text == expected)
  }

  @Test(.enabled(if: findProgram("promtool") != nil, "promtool is not installed (Debian: prometheus)"))
  func `promtool finds nothing to say about the page`() async throws {
    let tree = try FixtureTree()
    let roll = try populate(tree)
    let folder = try TemporaryFolder()
    let file = try folder.write(page(tree.sweep(), roll: roll), to: "metrics")
    let promtool = try ExternalProgram("sh", ["-c", "promtool check metrics < \(file)"], log: folder.path + "/log")
    #expect(try await promtool.waitForExit() == 0)
    #expect(promtool.output == "")
  }

  @Test func `without a roll every namespace is shown under its pod's UID and a container's ID`() throws {
    let tree = try FixtureTree()
    _ = try populate(tree)
    let text = page(tree.sweep(), roll: [])
    #expect(!text.contains("rollcall_pod_"))
    let lines = text.split(separator: "\n").filter { $0.hasPrefix("rollcall_unnamed_container_sockstat_tcp_inuse{") }
    #expect(lines.count == 4)
    #expect(lines.first?.contains("container_id=\"\(containerID("a0"))\"") == true)
  }

  @Test func `a pod whose container made a namespace for itself has one series, and the other is not lost`() throws {
    let tree = try FixtureTree()
    try tree.unify()
    try tree.process(1, namespace: "host")
    try tree.process(10, namespace: "pod", sockets: 40)
    try tree.process(11, namespace: "own", sockets: 7)
    try tree.cgroup("docker/\(containerID("1"))", [10])
    try tree.cgroup("docker/\(containerID("2"))", [11])
    let text = page(
      tree.sweep(), roll: [entry("shop", "web", "a", id: containerID("1")), entry("shop", "web", "b", id: containerID("2"))])
    #expect(text.contains("rollcall_pod_sockstat_tcp_inuse{namespace=\"shop\",pod=\"web\",node=\"node-1\"} 40\n"))
    #expect(
      text.contains("rollcall_unnamed_container_sockstat_tcp_inuse{pod_uid=\"\",container_id=\"\(containerID("2"))\",node=\"node-1\"} 7\n"))
  }

  @Test func `a pod that says it shares the host's network gets no series even where the host's namespace is not known`() throws {
    let tree = try FixtureTree()
    try tree.unify()
    try tree.process(10, namespace: "host", sockets: 500)
    try tree.cgroup("docker/\(containerID("1"))", [10])
    let roll = [entry("kube-system", "proxy", "proxy", id: containerID("1"), hostNetwork: true)]
    let sweep = tree.sweep()
    #expect(!page(sweep, roll: roll).contains("sockstat"))
    #expect(sweep.answers(to: roll, at: Moment(milliseconds: 5000)) == [.collected(age: 0)])
  }
}
