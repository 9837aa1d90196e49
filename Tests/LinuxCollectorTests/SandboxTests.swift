import Foundation
import LinuxCollector
import Primitives
import ProcFS
import Roll
import Testing

/// Pods whose containers run in gVisor or Kata Containers.
struct SandboxTests {
  private let tree: FixtureTree
  private static let uid = "0b1ffb26-1d2c-4d0c-8d3c-5f7e7f5d0c11"
  private static let systemdPod = "kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod\(uid.replacing("-", with: "_")).slice"
  private static let cgroupfsPod = "kubepods/burstable/pod\(uid)"
  private let roll = [
    RollEntry.test("shop", "web-0", "app", id: containerID("a1"), podUID: uid),
    RollEntry.test("shop", "web-0", "sidecar", id: containerID("a2"), podUID: uid),
    RollEntry.test("shop", "other", "app", id: containerID("b1"), podUID: "22222222-2222-3333-4444-555555555555"),
  ]

  init() throws {
    tree = try FixtureTree()
    try tree.unify()
    try process(1, namespace: "host", program: "systemd")
    // An ordinary pod, whose container must be collected in each case.
    try process(50, namespace: "other", program: "pause")
    try process(51, namespace: "other", program: "nginx")
    try tree.cgroup("kubepods/pod22222222-2222-3333-4444-555555555555/\(containerID("b0"))", [50])
    try tree.cgroup("kubepods/pod22222222-2222-3333-4444-555555555555/\(containerID("b1"))", [51])
  }

  /// All processes start 10 s after boot, and the sweep is at 60 s.
  private func process(_ identifier: Int32, namespace: String, program: String) throws {
    try tree.process(identifier, namespace: namespace, sockets: 3)
    try tree.write("\(program)\n", to: "proc/\(identifier)/comm")
  }

  private func exemptions(at second: Int64 = 60) -> (answers: [AgentAnswer], metrics: String, sockets: [String]) {
    let sweeper = LinuxSweeper(procFS: tree.procFS, locator: tree.locator, sockets: .text) { Moment(milliseconds: second * 1000) }
    let sweep = sweeper.sweep()
    let sandboxed = sweeper.sandboxedPods(of: sweep.podsWithoutProcess(on: roll), on: roll)
    let metrics = AgentMetrics(
      node: "node-1", roll: roll, sandboxed: sandboxed, sweep: sweep,
      state: AgentState(version: "1", sweeps: 1, answers: AnswerCounts()), process: nil, memoryPageBytes: 4096, isCadvisorCompatible: true)
    return (
      sweep.answers(to: roll, sandboxed: sandboxed, at: Moment(milliseconds: second * 1000)),
      String(decoding: metrics.render(), as: UTF8.self), sweep.sockets(of: roll, sandboxed: sandboxed).map(\.pod)
    )
  }

  private func expectSandbox(_ sourceLocation: SourceLocation = #_sourceLocation) {
    let (answers, metrics, sockets) = exemptions()
    #expect(answers.map(\.exempt) == [.sandboxedRuntime, .sandboxedRuntime, nil], sourceLocation: sourceLocation)
    #expect(answers[2].age != nil, sourceLocation: sourceLocation)
    #expect(!metrics.contains("web-0") && !metrics.contains(Self.uid), sourceLocation: sourceLocation)
    #expect(metrics.contains(#"rollcall_pod_sockstat_tcp_inuse{namespace="shop",pod="other""#), sourceLocation: sourceLocation)
    #expect(sockets == ["other"], sourceLocation: sourceLocation)
  }

  private func expectMisses(at second: Int64 = 60, _ sourceLocation: SourceLocation = #_sourceLocation) {
    let answers = exemptions(at: second).answers
    #expect(answers.map(\.exempt) == [nil, nil, nil], sourceLocation: sourceLocation)
    #expect(answers[0].reason == .pidNotFound, sourceLocation: sourceLocation)
  }

  @Test func `R74: gVisor with systemd: the sandbox is in the pause container's scope, the containers have none`() throws {
    try process(10, namespace: "web", program: "exe")
    try tree.cgroup("\(Self.systemdPod)/cri-containerd-\(containerID("a0")).scope", [10])
    expectSandbox()
  }

  @Test func `R74: gVisor with cgroupfs: the sandbox is in the pod's cgroup, those of the containers are empty`() throws {
    try process(10, namespace: "web", program: "runsc-sandbox")
    try tree.cgroup(Self.cgroupfsPod, [10])
    for id in ["a0", "a1", "a2"] { try tree.cgroup("\(Self.cgroupfsPod)/\(containerID(id))", []) }
    expectSandbox()
  }

  @Test(arguments: ["kata_\(containerID("a0"))", "cri-containerd-\(containerID("a0")).scope"])
  func `R74: Kata Containers has one cgroup for the virtual machine`(cgroup: String) throws {
    for (pid, program) in [(Int32(10), "qemu-system-x86"), (11, "virtiofsd"), (12, "containerd-shim")] {
      try process(pid, namespace: pid == 10 ? "web" : "host", program: program)
    }
    try tree.cgroup("\(Self.systemdPod)/\(cgroup)", [10, 11, 12])
    expectSandbox()
  }

  @Test(arguments: ["pause", "pod"])
  func `R74: containers that have just started or ended beside a pause container are missed`(pause: String) throws {
    try process(10, namespace: "web", program: pause)
    try tree.cgroup("\(Self.cgroupfsPod)/\(containerID("a0"))", [10])
    try tree.cgroup("\(Self.cgroupfsPod)/\(containerID("a1"))", [])
    expectMisses()
    // A helper of the runtime in the pod's own cgroup changes nothing.
    try process(11, namespace: "host", program: "helper")
    try tree.cgroup(Self.cgroupfsPod, [11])
    expectMisses()
  }

  @Test func `R74: a pod without a pause container is no sandbox while another container of it runs`() throws {
    try process(12, namespace: "web", program: "sidecar")
    try tree.cgroup("\(Self.cgroupfsPod)/crio-\(containerID("a1"))", [])
    try tree.cgroup("\(Self.cgroupfsPod)/crio-\(containerID("a2"))", [12])
    try process(13, namespace: "host", program: "conmon")
    try tree.cgroup("\(Self.cgroupfsPod)/crio-conmon-\(containerID("a1"))", [13])
    expectMisses()
  }

  @Test func `R74: a new instance that is not on the roll yet is no sandbox, and has no series under the pod's name meanwhile`() throws {
    try process(10, namespace: "web", program: "nginx")
    try tree.cgroup("\(Self.cgroupfsPod)/crio-\(containerID("a9"))", [10])
    expectMisses(at: 12)
    #expect(exemptions(at: 12).sockets == ["other"])
  }

  @Test func `R74: a process that has gone, or whose program is hidden, is no evidence of a sandbox`() throws {
    try tree.cgroup("\(Self.cgroupfsPod)/\(containerID("a0"))", [98, 0])
    try tree.process(99, namespace: "web")
    try tree.cgroup("\(Self.cgroupfsPod)/\(containerID("a3"))", [99])
    expectMisses()
  }

  @Test func `R74: a pod that is removed is forgotten, and its successor is found`() throws {
    let locator = tree.locator
    let buffer = ReadBuffer()
    try tree.cgroup("\(Self.cgroupfsPod)/\(containerID("a0"))", [10])
    _ = locator.locate(buffer)
    #expect(locator.processes(ofPod: Self.uid, buffer).map(\.identifier) == [10])
    try tree.remove("cgroup/\(Self.cgroupfsPod)")
    _ = locator.locate(buffer)
    #expect(locator.processes(ofPod: Self.uid, buffer).isEmpty)
    try tree.cgroup("\(Self.systemdPod)/cri-containerd-\(containerID("a0")).scope", [11])
    _ = locator.locate(buffer)
    #expect(locator.processes(ofPod: Self.uid, buffer).map(\.identifier) == [11])
  }

  /// A pod that the controller exempts by its RuntimeClass is not on the roll.
  @Test(arguments: [("exe", "runsc-sandbox\0--root=/run\0"), ("qemu-system-x86", "qemu-system-x86_64\0"), ("cloud-hyperviso", "")])
  func `R93: a sandboxed pod that is not on the roll has no series either`(program: String, arguments: String) throws {
    try process(10, namespace: "web", program: program)
    try tree.write(arguments, to: "proc/10/cmdline")
    try tree.cgroup("\(Self.systemdPod)/cri-containerd-\(containerID("a0")).scope", [10])
    #expect(!exposition(on: [roll[2]]).contains(Self.uid))
    #expect(!exposition(on: []).contains(Self.uid))
    #expect(exposition(on: []).contains("22222222-2222-3333-4444-555555555555"))
  }

  @Test(arguments: [("exe", "exe\0"), ("nginx", "runsc-sandbox\0")])
  func `R93: a pod with another program is no sandbox`(program: String, arguments: String) throws {
    try process(10, namespace: "web", program: program)
    try tree.write(arguments, to: "proc/10/cmdline")
    try tree.cgroup("\(Self.cgroupfsPod)/crio-\(containerID("a0"))", [10])
    #expect(exposition(on: []).contains(Self.uid))
  }

  @Test func `R93: a container that runs a virtual machine is no sandbox if it is on the roll or its pod has a pause container`() throws {
    try process(10, namespace: "web", program: "qemu-system-x86")
    try tree.cgroup("\(Self.cgroupfsPod)/\(containerID("a1"))", [10])
    #expect(exposition(on: roll).contains(#"rollcall_pod_sockstat_tcp_inuse{namespace="shop",pod="web-0""#))
    try process(11, namespace: "web", program: "pause")
    try tree.cgroup("\(Self.cgroupfsPod)/\(containerID("a0"))", [11])
    #expect(exposition(on: []).contains(Self.uid))
  }

  private func exposition(on roll: [RollEntry]) -> String {
    let metrics = AgentMetrics(
      node: "node-1", roll: roll, sweep: tree.sweep(sockets: .text), state: AgentState(version: "1", sweeps: 1, answers: AnswerCounts()),
      process: nil, memoryPageBytes: 4096, isCadvisorCompatible: true)
    return String(decoding: metrics.render(), as: UTF8.self)
  }
}
