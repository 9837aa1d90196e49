import Foundation
import LinuxCollector
import Primitives
import ProcFS
import Roll
import TestSupport
import Testing

/// Cgroups that a container made below its own, under the names of other containers and pods.
struct ForeignCgroupTests {
  private static let victimUID = "11111111-1111-1111-1111-111111111111"
  private static let attackerUID = "22222222-2222-2222-2222-222222222222"
  private static let victim = containerID("aa")
  private static let attacker = containerID("bb")
  /// Visited before the attacker's, or after.
  private static let victimPods = ["kubepods/besteffort/pod\(victimUID)", "kubepods/zzz/pod\(victimUID)"]
  /// TCP of both families, which the fixture derives from the number given.
  private static let victimSockets: Int64 = 42 + 21
  private static let attackerSockets: Int64 = 7 + 3
  private static let attackerPod = "kubepods/pod\(attackerUID)"

  private let tree: FixtureTree
  private let clock = ManualClock()
  private let roll = [
    RollEntry.test("bank", "victim", "app", id: victim, podUID: victimUID),
    RollEntry.test("evil", "attacker", "app", id: attacker, podUID: attackerUID),
  ]

  init() throws {
    tree = try FixtureTree()
    try tree.unify()
    try tree.process(1, namespace: "host")
    try tree.process(200, namespace: "victim", sockets: 42)
    try tree.process(300, namespace: "attacker", sockets: 7)
    try tree.process(301, namespace: "attacker", sockets: 7)
    try tree.cgroup("\(Self.attackerPod)/\(Self.attacker)", [300])
  }

  /// The names that the attacker may give.
  private static let names = [
    "\(victim)", "docker/\(victim)", "cri-containerd-\(victim).scope", "pod\(victimUID)/\(victim)",
    "kubepods/besteffort/pod\(victimUID)/\(victim)",
    "kubepods-pod\(victimUID.replacing("-", with: "_")).slice/cri-containerd-\(victim).scope",
    "pod8f1f9ea5c60ba6bd3a1f7b1e0c4b0f4d/\(victim)",
  ]

  private func forge(_ name: String) throws {
    try tree.cgroup("\(Self.attackerPod)/\(Self.attacker)/\(name)", [301])
  }

  private func sweeper(_ locator: CgroupLocator) -> LinuxSweeper {
    LinuxSweeper(procFS: tree.procFS, locator: locator, now: clock.now)
  }

  private func locator(watchLimit: Int) -> CgroupLocator {
    CgroupLocator(root: tree.cgroupRoot, watchLimit: watchLimit, now: clock.now)
  }

  private func text(_ sweep: Sweep, _ roll: [RollEntry]) -> String {
    let metrics = AgentMetrics(
      node: "n", roll: roll, sweep: sweep, state: AgentState(version: "1", sweeps: 1, answers: AnswerCounts()), process: nil,
      memoryPageBytes: 4096)
    return String(decoding: metrics.render(), as: UTF8.self)
  }

  @Test(arguments: names, victimPods)
  func `R87: a cgroup in a container's own tree takes no other container's name`(name: String, victimPod: String) throws {
    try tree.cgroup("\(victimPod)/\(Self.victim)", [200])
    try forge(name)
    for watchLimit in [16_384, 0] {
      let sweep = sweeper(locator(watchLimit: watchLimit)).sweep()
      #expect(sweep.sockets(of: roll).map(\.pod).sorted() == ["attacker", "victim"])
      #expect(sweep.sockets(of: roll).first { $0.pod == "victim" }?.inUse == Self.victimSockets)
      #expect(sweep.sockets(of: roll).first { $0.pod == "attacker" }?.inUse == Self.attackerSockets)
      #expect(sweep.answers(to: roll, at: clock.now()).allSatisfy { $0.age != nil })
    }
  }

  @Test(arguments: names, [16_384, 0])
  func `R87: nor does one that was made before the container or remains after it`(name: String, watchLimit: Int) throws {
    let pod = Self.victimPods[0]
    let locator = locator(watchLimit: watchLimit)
    let sweeper = sweeper(locator)
    try forge(name)
    for _ in 1...2 {
      let before = sweeper.sweep()
      #expect(before.sockets(of: roll).map(\.pod) == ["attacker"])
      #expect(before.answers(to: roll, at: clock.now()).map(\.reason) == [.pidNotFound, nil])
      #expect(!text(before, roll).contains(#"pod="victim""#))
      #expect(!text(before, []).contains(#"pod_uid="\#(Self.victimUID)""#))

      try tree.cgroup("\(pod)/\(Self.victim)", [200])
      let during = sweeper.sweep()
      #expect(during.sockets(of: roll).first { $0.pod == "victim" }?.inUse == Self.victimSockets)
      try tree.cgroup("\(Self.attackerPod)/\(Self.attacker)/\(name)/later", [301])
      #expect(sweeper.sweep().sockets(of: roll).first { $0.pod == "victim" }?.inUse == Self.victimSockets)
      try tree.remove("cgroup/\(pod)")
      // The next sweep may be one that walks.
      clock.advance(.seconds(45))
    }
  }

  @Test func `R87: a forged pod does not make another one a sandbox`() throws {
    try tree.cgroup("\(Self.victimPods[0])", [])
    try forge("pod\(Self.victimUID)")
    try tree.write("app\n", to: "proc/301/comm")
    let sweeper = sweeper(locator(watchLimit: 16_384))
    let sweep = sweeper.sweep()
    clock.advance(.seconds(60))
    #expect(sweeper.sandboxedPods(of: sweep.podsWithoutProcess(on: roll), on: roll).all.isEmpty)
  }

  @Test func `R87: the pod of a container on the roll is that of the roll, or a static pod`() throws {
    try tree.cgroup("kubepods/pod33333333-3333-3333-3333-333333333333/\(Self.victim)", [200])
    let answers = sweeper(locator(watchLimit: 0)).sweep().answers(to: roll, at: clock.now())
    #expect(answers.map(\.reason) == [.pidNotFound, nil])
    #expect(answers[0].detail?.contains("is not the pod's") == true)
    try tree.remove("cgroup/kubepods/pod33333333-3333-3333-3333-333333333333")
    try tree.cgroup("kubepods/pod8f1f9ea5c60ba6bd3a1f7b1e0c4b0f4d/\(Self.victim)", [200])
    #expect(sweeper(locator(watchLimit: 0)).sweep().answers(to: roll, at: clock.now()).map(\.reason) == [nil, nil])
  }

  @Test(arguments: [16_384, 0])
  func `R87: a container with too many cgroups costs no more than the limit, and they are counted`(watchLimit: Int) throws {
    try tree.cgroup("\(Self.victimPods[1])/\(Self.victim)", [200])
    let locator = locator(watchLimit: watchLimit)
    let sweeper = sweeper(locator)
    #expect(sweeper.sweep().cgroupsLeftOut == 0)
    for folder in 0..<30 {
      try tree.cgroup("\(Self.attackerPod)/\(Self.attacker)/\(folder)", [])
      for index in 0..<70 {
        let path = tree.cgroupRoot + "/\(Self.attackerPod)/\(Self.attacker)/\(folder)/\(index)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
      }
    }
    clock.advance(.seconds(60))
    let sweep = sweeper.sweep()
    #expect(sweep.cgroupsLeftOut > 0)
    #expect(sweep.answers(to: roll, at: clock.now()).allSatisfy { $0.age != nil })
    #expect(text(sweep, roll).contains("rollcall_agent_cgroups_left_out \(sweep.cgroupsLeftOut)\n"))
    try tree.remove("cgroup/\(Self.attackerPod)")
    clock.advance(.seconds(60))
    #expect(sweeper.sweep().cgroupsLeftOut == 0)
  }
}
