import Foundation
import LinuxCollector
import Primitives
import Roll
import Testing

/// Which network namespace is a pod's, if its containers have several.
struct PodNamespaceTests {
  private static let uid = "0b1ffb26-1d2c-4d0c-8d3c-5f7e7f5d0c11"
  private static let pod = "kubepods/burstable/pod\(uid)"
  private let tree: FixtureTree

  init() throws {
    tree = try FixtureTree()
    try tree.unify()
    try tree.process(1, namespace: "host")
  }

  private let roll = [
    RollEntry.test("ci", "runner", "dind", id: containerID("b1"), podUID: uid),
    RollEntry.test("ci", "runner", "sidecar", id: containerID("b2"), podUID: uid),
  ]

  private func process(_ identifier: Int32, _ namespace: String, _ sockets: Int, program: String = "app", startTicks: Int = 1000) throws {
    try tree.process(identifier, namespace: namespace, sockets: sockets, startTicks: startTicks)
    try tree.write(program + "\n", to: "proc/\(identifier)/comm")
  }

  /// The values of `sockstat_tcp_inuse`: of the pod, and of the other namespaces by container.
  private func inUse(_ sweep: Sweep? = nil, _ roll: [RollEntry]? = nil) -> (pods: [String: Int], unnamed: [String: Int]) {
    let metrics = AgentMetrics(
      node: "n", roll: roll ?? self.roll, sweep: sweep ?? tree.sweep(), state: AgentState(version: "1", sweeps: 1, answers: AnswerCounts()),
      process: nil, memoryPageBytes: 4096)
    var values: (pods: [String: Int], unnamed: [String: Int]) = ([:], [:])
    for line in String(decoding: metrics.render(), as: UTF8.self).split(separator: "\n") where line.contains("_sockstat_tcp_inuse{") {
      let value = line.split(separator: " ").last.flatMap { Int($0) }
      if let pod = line.firstMatch(of: /pod="([^"]*)"/)?.1 { values.pods[String(pod)] = value }
      if let id = line.firstMatch(of: /pod_uid="([^"]*)",container_id="0*([^"]*)"/) { values.unnamed["\(id.1) \(id.2)"] = value }
    }
    return values
  }

  @Test(arguments: [
    "docker/\(containerID("a0"))", "system.slice/docker-\(containerID("a0")).scope", "libpod-\(containerID("a0"))/container",
  ])
  func `R86: a container nested in a pod's container is not the pod`(nested: String) throws {
    try process(10, "pod", 21, program: "dockerd")
    try process(20, "child", 3)
    try tree.cgroup("\(Self.pod)/\(containerID("b1"))/init", [10])
    try tree.cgroup("\(Self.pod)/\(containerID("b1"))/\(nested)", [20])
    let values = inUse()
    #expect(values.pods == ["runner": 21])
    #expect(values.unnamed == ["\(Self.uid) a0": 3])
  }

  @Test func `R86: a pod without any container on the roll is not the container nested in it`() throws {
    try process(10, "pod", 21)
    try process(20, "child", 3)
    try tree.cgroup("\(Self.pod)/\(containerID("b9"))", [10])
    try tree.cgroup("\(Self.pod)/\(containerID("b9"))/docker/\(containerID("a0"))", [20])
    #expect(inUse().pods == ["runner": 21])
    try tree.remove("proc/10")
    #expect(inUse().pods == [:])
  }

  @Test func `R86: the pause container's namespace is the pod's, whatever namespaces the other containers have entered`() throws {
    try process(10, "pod", 21, program: "pause")
    try process(11, "own", 3)
    try process(12, "pod", 21)
    try tree.cgroup("\(Self.pod)/\(containerID("f0"))", [10])
    try tree.cgroup("\(Self.pod)/\(containerID("b1"))", [11])
    try tree.cgroup("\(Self.pod)/\(containerID("b2"))", [12])
    let values = inUse()
    #expect(values.pods == ["runner": 21])
    #expect(values.unnamed == ["\(Self.uid) b1": 3])
  }

  @Test func `R86: a container on the roll comes before others of the pod, and these before none`() throws {
    try process(10, "other", 3)
    try process(11, "pod", 21)
    try tree.cgroup("\(Self.pod)/\(containerID("a0"))", [10])
    #expect(inUse().pods == ["runner": 3])
    try tree.cgroup("\(Self.pod)/\(containerID("b2"))", [11])
    #expect(inUse().pods == ["runner": 21])
  }

  @Test func `R86: of a container's processes the oldest counts where PID namespaces do not tell`() throws {
    try process(121, "helper", 3, startTicks: 1121)
    try process(120, "pod", 21, startTicks: 1120)
    try tree.cgroup("\(Self.pod)/\(containerID("b1"))", [121, 120])
    #expect(inUse().pods == ["runner": 21])
  }

  /// The processes of a container in the order of its cgroup, with their numbers in PID namespaces. Process 10 is the first one.
  private static let processLists: [[(pid: Int32, numbers: String, startTicks: Int)]] = [
    // The container's PID namespace, and a helper with one of its own, which the clock may say is older.
    [(10, "10\t1", 500), (11, "11\t7\t1", 400)], [(11, "11\t7\t1", 600), (10, "10\t1", 500)],
    // The pod's, in which the pause container has the number 1.
    [(11, "11\t7", 600), (10, "10\t6", 500)],
    // The host's.
    [(11, "11\t1", 400), (10, "10", 500)],
  ]

  @Test(arguments: processLists.indices)
  func `R86: a container's first process is the one of its outermost PID namespace`(list: Int) throws {
    for one in Self.processLists[list] {
      try process(one.pid, one.pid == 10 ? "pod" : "helper", one.pid == 10 ? 21 : 3, startTicks: one.startTicks)
      try tree.write("Name:\tapp\nNSpid:\t\(one.numbers)\n", to: "proc/\(one.pid)/status")
    }
    try tree.cgroup("\(Self.pod)/\(containerID("b1"))", Self.processLists[list].map(\.pid))
    #expect(inUse().pods == ["runner": 21])
  }

  @Test func `R86: the first process of a container that runs systemd is found among its services`() throws {
    for index: Int32 in 0..<20 {
      try process(100 + index, "private", 3, startTicks: 2000)
      try tree.cgroup("\(Self.pod)/\(containerID("b1"))/system.slice/\(index).service", [100 + index])
    }
    try process(99, "pod", 21, program: "systemd", startTicks: 1000)
    try tree.cgroup("\(Self.pod)/\(containerID("b1"))/init.scope", [99])
    #expect(inUse().pods == ["runner": 21])
  }

  @Test func `R86: the pods of a Kind node have their names`() throws {
    let node = "system.slice/docker-\(containerID("77")).scope"
    try process(10, "node", 2)
    try process(20, "pod", 21)
    try tree.cgroup("\(node)/init", [10])
    try tree.cgroup(
      "\(node)/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod\(Self.uid.replacing("-", with: "_")).slice/cri-containerd-\(containerID("b1")).scope/init",
      [20])
    let values = inUse()
    #expect(values.pods == ["runner": 21])
    #expect(values.unnamed == [" 77": 2])
    #expect(tree.sweep().answers(to: roll, at: Moment(milliseconds: 5000)).map(\.reason) == [nil, .pidNotFound])
  }

  @Test func `R86: cAdvisor's families name the pause container`() throws {
    try process(10, "pod", 21, program: "pause")
    try process(11, "pod", 21)
    try tree.cgroup("\(Self.pod)/\(containerID("f0"))", [10])
    try tree.cgroup("\(Self.pod)/\(containerID("b1"))", [11])
    try tree.cgroup("\(Self.pod)/\(containerID("b1"))/docker/\(containerID("a0"))", [11])
    let metrics = AgentMetrics(
      node: "n", roll: roll, sweep: tree.sweep(sockets: .text), state: AgentState(version: "1", sweeps: 1, answers: AnswerCounts()),
      process: nil, memoryPageBytes: 4096, isCadvisorCompatible: true)
    let lines = String(decoding: metrics.render(), as: UTF8.self).split(separator: "\n").filter {
      $0.hasPrefix("container_network_tcp_usage_total{")
    }
    #expect(lines.count == 11)
    #expect(lines.allSatisfy { $0.contains("name=\"\(containerID("f0"))\"") && $0.contains(#"pod="runner""#) })
  }
}
