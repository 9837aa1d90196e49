import Controller
import JSON
import KubeClient
import Primitives
import Roll
import Testing

/// Which containers are on a roll, due and exempt. One suite, because all of it is one function of Nodes, Pods and settings.
@Suite struct RollBuilderTests {
  let settings = RollSettings(grace: .seconds(60), virtualNodes: [LabelSelector("type=virtual-kubelet")].compactMap(\.self))
  /// The default wall clock: an hour after the start of every container.
  let hour: Int64 = 3_600_000

  func reading(_ seconds: Double, wall: Int64? = nil) -> ClockReading {
    ClockReading(moment: moment(seconds), unixMilliseconds: wall ?? hour + Int64(seconds * 1000))
  }

  func build(_ nodes: [NodeRecord], _ pods: [PodRecord]) -> RollBuilder {
    var builder = RollBuilder(settings: settings)
    _ = builder.update(nodes: Records(nodes), nodeChange: .all, pods: Records(pods), podChange: .all, at: reading(0))
    return builder
  }

  // MARK: Entries and exemptions

  /// What a roll says about a container.
  enum Standing: Equatable {
    case due
    case called(Exemption)
    case exempt(Exemption)
    /// Neither on the roll nor exempt: nothing is expected.
    case absent
  }

  /// What the roll says about the only container of its only pod.
  func standing(_ roll: NodeRoll?) throws -> Standing {
    let roll = try #require(roll)
    #expect(roll.entries.count + roll.exempt.count <= 1)
    if let exempt = roll.exempt.first { return .exempt(exempt.exemption) }
    guard let entry = roll.entries.first else { return .absent }
    return entry.notDue.map { .called($0) } ?? .due
  }

  static let containers: [(String, ContainerRecord, Standing)] = [
    ("running", containerRecord("c"), .due),
    ("running init container", containerRecord("c", kind: .initialization), .due),
    ("running sidecar", containerRecord("c", kind: .sidecar), .due),
    ("running ephemeral container", containerRecord("c", kind: .ephemeral), .due),
    ("waiting for its first start", containerRecord("c", .waiting(reason: "ContainerCreating")), .exempt(.notRunning)),
    ("sidecar waiting for its first start", containerRecord("c", .waiting(reason: ""), kind: .sidecar), .exempt(.notRunning)),
    ("init container waiting for its first start", containerRecord("c", .waiting(reason: ""), kind: .initialization), .absent),
    ("crash-looping", containerRecord("c", .waiting(reason: "CrashLoopBackOff"), restarts: true), .called(.restarting)),
    ("crash-looping sidecar", containerRecord("c", .waiting(reason: ""), kind: .sidecar, restarts: true), .called(.restarting)),
    (
      "crash-looping init container", containerRecord("c", .waiting(reason: ""), kind: .initialization, restarts: true),
      .called(.restarting)
    ),
    ("stopped, to be restarted", containerRecord("c", .terminated, restarts: true), .called(.restarting)),
    ("stopped sidecar", containerRecord("c", .terminated, kind: .sidecar, restarts: true), .called(.restarting)),
    ("finished", containerRecord("c", .terminated), .exempt(.notRunning)),
    ("finished init container", containerRecord("c", .terminated, kind: .initialization), .absent),
    ("finished ephemeral container", containerRecord("c", .terminated, kind: .ephemeral), .absent),
    ("start unknown", containerRecord("c", .running(startedAtUnixMilliseconds: nil)), .due),
    ("started 59 s ago", containerRecord("c", .running(startedAtUnixMilliseconds: 3_600_000 - 59_000)), .called(.starting)),
    ("started 60 s ago", containerRecord("c", .running(startedAtUnixMilliseconds: 3_600_000 - 60_000)), .due),
    ("restarted 1 s ago", containerRecord("c", .running(startedAtUnixMilliseconds: 3_600_000 - 1000), restarts: true), .due),
    ("HostProcess on Linux", containerRecord("c", hostProcess: true), .due),
  ]

  @Test(arguments: containers)
  func `R72 and R73: a container is due, called without being due, or exempt`(
    what: String, container: ContainerRecord, expected: Standing
  ) throws {
    #expect(try standing(build([nodeRecord("a")], [podRecord("p", on: "a", [container])]).rolls["a"]) == expected, "\(what)")
  }

  static let pods: [(String, PodRecord, Standing)] = [
    ("ignored", podRecord("p", on: "a", annotations: ["rollcall.dev/ignore": "true"], [containerRecord("c")]), .exempt(.ignored)),
    ("not ignored", podRecord("p", on: "a", annotations: ["rollcall.dev/ignore": "false"], [containerRecord("c")]), .due),
    ("deleted, within its grace period", podRecord("p", on: "a", deletion: 3600 + 30, [containerRecord("c")]), .called(.terminating)),
    ("deleted, a moment overdue", podRecord("p", on: "a", deletion: 3600 - 9, [containerRecord("c")]), .called(.terminating)),
    ("deleted, overdue", podRecord("p", on: "a", deletion: 3600 - 10, [containerRecord("c")]), .called(.terminationOverdue)),
    ("deleted in the year 1", podRecord("p", on: "a", deletion: .min, [containerRecord("c")]), .called(.terminationOverdue)),
    ("deleted in the far future", podRecord("p", on: "a", deletion: .max, [containerRecord("c")]), .called(.terminating)),
    (
      "deleted while starting",
      podRecord("p", on: "a", deletion: 3630, [containerRecord("c", .running(startedAtUnixMilliseconds: 3_600_000))]), .called(.terminating)
    ),
    (
      "deleted, stopped and not restarted", podRecord("p", on: "a", deletion: 3630, [containerRecord("c", .terminated, restarts: true)]),
      .exempt(.notRunning)
    ),
    ("finished", podRecord("p", on: "a", phase: "Succeeded", [containerRecord("c")]), .exempt(.notRunning)),
    (
      "failed",
      podRecord("p", on: "a", phase: "Failed", [containerRecord("c", .waiting(reason: "CrashLoopBackOff"), restarts: true)]),
      .exempt(.notRunning)
    ),
    ("not scheduled", podRecord("p", on: nil, phase: "Pending", [containerRecord("c", .waiting(reason: ""))]), .absent),
    ("on an unknown node", podRecord("p", on: "zz", [containerRecord("c")]), .absent),
  ]

  @Test(arguments: pods)
  func `R70: a Pod that is ignored, finished or being deleted owes nothing`(what: String, pod: PodRecord, expected: Standing) throws {
    let builder = build([nodeRecord("a")], [pod])
    #expect(builder.rolls.count == 1)
    #expect(try standing(builder.rolls["a"]) == expected, "\(what)")
  }

  static let exemptions: [(String, NodeRecord, PodRecord, Standing, isNodeExempt: Bool)] = [
    ("Fargate", nodeRecord("a", labels: ["eks.amazonaws.com/compute-type": "fargate"]), pod(), .exempt(.noAgentExpected), true),
    ("simulated node", nodeRecord("a", annotations: ["kwok.x-k8s.io/node": "fake"]), pod(), .exempt(.noAgentExpected), true),
    ("not selected by the DaemonSet", nodeRecord("a", labels: ["pool": "none"]), pod(), .exempt(.noAgentExpected), true),
    ("virtual node", nodeRecord("a", labels: ["type": "virtual-kubelet", "pool": "none"]), pod(), .due, false),
    ("Windows node", nodeRecord("a", os: "windows", labels: ["pool": "none"]), pod(), .due, false),
    ("ignored node", nodeRecord("a", annotations: ["rollcall.dev/ignore": "true"]), pod(), .exempt(.ignored), true),
    ("ignored virtual node", nodeRecord("a", labels: ["type": "virtual-kubelet", "lab": ""]), pod(), .exempt(.ignored), true),
    (
      "not running on an ignored node", nodeRecord("a", labels: ["lab": ""]), pod(containerRecord("c", .terminated)),
      .exempt(.notRunning), true
    ),
    ("ignored namespace", nodeRecord("a"), pod(namespace: "lab"), .exempt(.ignored), false),
    ("sandbox", nodeRecord("a"), pod(runtimeClass: "strict"), .exempt(.sandboxedRuntime), false),
    (
      "restarting sandbox", nodeRecord("a"), pod(runtimeClass: "strict", containerRecord("c", .terminated, restarts: true)),
      .exempt(.sandboxedRuntime), false
    ),
    ("sandbox on a virtual node", nodeRecord("a", labels: ["type": "virtual-kubelet"]), pod(runtimeClass: "strict"), .due, false),
    ("ordinary runtime class", nodeRecord("a"), pod(runtimeClass: "nvidia"), .due, false),
  ]

  private static func pod(
    namespace: String = "shop", runtimeClass: String? = nil, _ container: ContainerRecord = containerRecord("c")
  ) -> PodRecord {
    PodRecord(
      namespace: namespace, name: "p", uid: "u", nodeName: "a", phase: "Running", runtimeClassName: runtimeClass, containers: [container])
  }

  @Test(arguments: exemptions)
  func `R74: what cannot or need not be collected is exempt without an annotation on the Pod`(
    what: String, node: NodeRecord, pod: PodRecord, expected: Standing, isNodeExempt: Bool
  ) throws {
    var settings = settings
    settings.exemptions.ignoredNodes = [LabelSelector("lab")].compactMap(\.self)
    var rules = ExemptionRules()
    rules.runtimeClasses = ["strict": true, "nvidia": false]
    rules.ignoredNamespaces = ["lab"]
    if node.labels["pool"] != nil { rules.placements = [AgentPlacement(podSpec: ["nodeSelector": ["pool": "all"]])] }
    var builder = RollBuilder(settings: settings)
    _ = builder.update(
      nodes: Records([node]), nodeChange: .all, pods: Records([pod]), podChange: .all, rules: rules, at: reading(0))
    #expect(try standing(builder.rolls["a"]) == expected, "\(what)")
    #expect((builder.rolls["a"]?.exemption != nil) == isNodeExempt, "\(what)")
  }

  @Test func `R74: all rolls follow a change of the rules, and only of the rules`() {
    let nodes = Records([nodeRecord("a", labels: ["pool": "x"]), nodeRecord("b", address: "10.0.0.2", labels: ["pool": "y"])])
    let pods = Records(["a", "b"].map { (node: String) in podRecord("p-\(node)", on: node, [containerRecord("c")]) })
    var builder = RollBuilder(settings: settings)
    _ = builder.update(nodes: nodes, nodeChange: .all, pods: pods, podChange: .all, rules: ExemptionRules(), at: reading(0))
    var rules = ExemptionRules()
    rules.placements = [AgentPlacement(podSpec: ["nodeSelector": ["pool": "x"]])]
    let changes = builder.update(nodes: nodes, nodeChange: nil, pods: pods, podChange: nil, rules: rules, at: reading(1))
    #expect(changes.map(\.node) == ["b"])
    #expect(builder.rolls["b"]?.exempt.map(\.exemption) == [.noAgentExpected])
    #expect(builder.update(nodes: nodes, nodeChange: nil, pods: pods, podChange: nil, rules: rules, at: reading(2)).isEmpty)
    #expect(builder.update(nodes: nodes, nodeChange: nil, pods: pods, podChange: nil, rules: nil, at: reading(3)).isEmpty)
    _ = builder.update(nodes: nodes, nodeChange: nil, pods: pods, podChange: nil, rules: ExemptionRules(), at: reading(4))
    #expect(builder.rolls["b"]?.exemption == nil && builder.rolls["b"]?.entries.count == 1)
  }

  @Test func `a HostProcess container on Windows is exempt`() throws {
    let roll = try #require(
      build([nodeRecord("a", os: "windows")], [podRecord("p", on: "a", [containerRecord("c", hostProcess: true), containerRecord("d")])])
        .rolls["a"])
    #expect(roll.exempt.map(\.exemption) == [.hostProcess])
    #expect(roll.entries.map(\.reference.container) == ["d"])
  }

  @Test func `entries are sorted and have bare container IDs`() throws {
    let roll = try #require(
      build(
        [nodeRecord("a")],
        [
          podRecord("q", on: "a", [containerRecord("z", id: "cri-o://1234"), containerRecord("b", id: "")]),
          podRecord("p", on: "a", [containerRecord("x")]),
        ]
      )
      .rolls["a"])
    #expect(roll.entries.map { "\($0.reference.pod)/\($0.reference.container) \($0.containerID)" } == ["p/x cccc", "q/b ", "q/z 1234"])
    #expect(roll.entries.allSatisfy { $0.podIP == "10.1.0.7" })
  }

  // MARK: Node facts

  static let nodes: [(NodeRecord, Source, String?, Int)] = [
    (nodeRecord("n"), .linux, "10.0.0.1", 0),
    (nodeRecord("n", os: "windows"), .windows, "10.0.0.1", 0),
    (nodeRecord("n", os: "windows", labels: ["type": "virtual-kubelet"]), .virtual, "10.0.0.1", 0),
    (nodeRecord("n", address: nil, labels: ["type": "virtual-kubelet"]), .virtual, nil, 0),
    (nodeRecord("n", labels: ["type": "virtual-kubelet", "rollcall.dev/cadvisor-port": "no"]), .virtual, "10.0.0.1", 1),
    (nodeRecord("n", os: "plan9"), .linux, "10.0.0.1", 1),
    (nodeRecord("n", os: ""), .linux, "10.0.0.1", 1),
    (nodeRecord("n", os: "", labels: ["kubernetes.io/os": "windows"]), .windows, "10.0.0.1", 0),
    (nodeRecord("n", address: nil), .linux, nil, 1),
    (
      nodeRecord("n", [("Hostname", "n.example"), ("ExternalIP", "198.51.100.1"), ("InternalIP", "fd00::1"), ("InternalIP", "10.0.0.9")]),
      .linux, "fd00::1", 0
    ),
    (nodeRecord("n", [("InternalIP", "10.0.0.9"), ("InternalIP", "fd00::1")]), .linux, "10.0.0.9", 0),
    (nodeRecord("n", [("InternalIP", "169.254.7.7"), ("InternalIP", "fe80::1"), ("InternalIP", "10.0.0.9")]), .linux, "10.0.0.9", 0),
    (nodeRecord("n", [("InternalIP", "0.0.0.0"), ("InternalIP", "::"), ("ExternalIP", "2001:db8::1")]), .linux, "2001:db8::1", 0),
    (nodeRecord("n", [("InternalIP", "127.0.0.1"), ("InternalIP", "::1"), ("Hostname", "n.example")]), .linux, "n.example", 0),
    (nodeRecord("n", [("InternalIP", "fe80::1%eth0"), ("InternalIP", "169.254.7.7")]), .linux, nil, 1),
    (nodeRecord("n", [("Hostname", "n.example")]), .linux, "n.example", 0),
    (annotatedNode("10.0.0.9"), .linux, "10.0.0.9", 0),
    (NodeRecord(name: "n", annotations: ["rollcall.dev/address": "10.9.9.9/x?"], operatingSystem: "linux"), .linux, nil, 1),
    (nodeRecord("n", address: "not an address"), .linux, nil, 1),
  ]

  /// A node with a second address, and with this one in the annotation.
  private static func annotatedNode(_ address: String) -> NodeRecord {
    NodeRecord(
      name: "n", annotations: ["rollcall.dev/address": address], operatingSystem: "linux",
      addresses: [NodeAddress(type: "InternalIP", address: "10.0.0.1"), NodeAddress(type: "ExternalIP", address: "10.0.0.9")])
  }

  @Test(arguments: [
    ("10.0.0.9", "10.0.0.9", 0), ("10.96.0.10", "10.0.0.1", 1), ("vault.secrets.svc", "10.0.0.1", 1), ("10.4.7.7", "10.4.7.7", 0),
    ("10.5.0.1", "10.0.0.1", 1), ("NODE.example", "NODE.example", 0), ("other.node.example", "10.0.0.1", 1), ("fd00::0:1", "fd00::0:1", 0),
  ])
  func `R107: an annotation chooses among the Node's addresses and those that a setting allows`(named: String, used: String, notes: Int) {
    var settings = settings
    settings.annotations.addresses = ["10.4.0.0/16", "node.example", "fd00::1"]
    let facts = NodeFacts(Self.annotatedNode(named), settings: settings)
    #expect(facts.address == used)
    #expect(facts.notes.count == notes)
    #expect(facts.notes.allSatisfy { $0.contains("rollcall.dev/address") && $0.contains("--annotation-addresses") })
  }

  @Test(arguments: nodes) func `R75: the source and address of a Node are derived from its record`(
    record: NodeRecord, source: Source, address: String?, notes: Int
  ) {
    let facts = NodeFacts(record, settings: settings)
    #expect(facts.source == source)
    #expect(facts.address == address)
    #expect(facts.notes.count == notes)
  }

  @Test(arguments: [("127.0.0.9", "127.0.0.9"), ("::1", "::1"), ("169.254.7.7", nil)] as [(String, String?)])
  func `R75: loopback addresses of Nodes are used only if that is allowed`(address: String, used: String?) {
    var settings = settings
    #expect(NodeFacts(nodeRecord("n", [("InternalIP", address)]), settings: settings).address == nil)
    settings.allowsLoopback = true
    #expect(NodeFacts(nodeRecord("n", [("InternalIP", address)]), settings: settings).address == used)
  }

  // MARK: Two Nodes at one address

  /// Builds the rolls of Nodes at one address, one after the other, and returns who has the address of whom.
  func holders(_ steps: [(name: String, ready: Bool?, address: String)]) -> [String: String] {
    var builder = RollBuilder(settings: settings)
    var nodes = Records<NodeRecord>([])
    let pods = Records(steps.map { podRecord("p-\($0.name)", on: $0.name, [containerRecord("c")]) }.uniqued())
    for (number, step) in steps.enumerated() {
      let key = ObjectKey(name: step.name)
      nodes.records[key] = step.ready.map { nodeRecord(step.name, address: step.address, ready: $0) }
      let change: StoreChange = number == 0 ? .all : .keys([key])
      _ = builder.update(nodes: nodes, nodeChange: change, pods: pods, podChange: number == 0 ? .all : nil, at: reading(Double(number)))
    }
    for roll in builder.rolls.values { #expect(roll.entries.count == 1, "the containers stay on the roll") }
    for (name, roll) in builder.rolls { #expect((builder.notes[name] != nil) == (roll.addressHolder != nil)) }
    return builder.rolls.compactMapValues(\.addressHolder)
  }

  @Test func `R71: a Node that is not ready loses its address to a ready one`() {
    #expect(holders([("old", false, "10.0.0.1"), ("new", true, "10.0.0.1")]) == ["old": "new"])
    #expect(holders([("new", true, "10.0.0.1"), ("old", false, "10.0.0.1")]) == ["old": "new"])
    #expect(holders([("old", true, "10.0.0.1"), ("new", true, "10.0.0.1"), ("old", false, "10.0.0.1")]) == ["old": "new"])
  }

  @Test func `R71: a Node keeps or regains its address while no other Node is ready there`() {
    #expect(holders([("old", false, "10.0.0.1"), ("new", true, "10.0.0.2")]) == [:])
    #expect(holders([("old", false, "10.0.0.1"), ("new", false, "10.0.0.1")]) == [:])
    #expect(holders([("old", true, "10.0.0.1"), ("new", true, "10.0.0.1")]) == [:])
    #expect(holders([("old", false, "10.0.0.1"), ("new", true, "10.0.0.1"), ("new", false, "10.0.0.1")]) == [:])
    #expect(holders([("old", false, "10.0.0.1"), ("new", true, "10.0.0.1"), ("new", true, "10.0.0.2")]) == [:])
    #expect(holders([("old", false, "10.0.0.1"), ("new", true, "10.0.0.1"), ("new", nil, "")]) == [:])
  }

  @Test func `R71: an exempt Node takes no address`() {
    let nodes = [nodeRecord("real", ready: false), nodeRecord("fake", labels: ["type": "kwok"], ready: true)]
    #expect(build(nodes, []).rolls.values.allSatisfy { $0.addressHolder == nil })
  }

  @Test func `R71: virtual Nodes may share an address`() {
    let nodes = [("v1", false), ("v2", true)].map { nodeRecord($0.0, labels: ["type": "virtual-kubelet"], ready: $0.1) }
    #expect(build(nodes, []).rolls.values.allSatisfy { $0.addressHolder == nil })
  }

  // MARK: Changes

  @Test func `only changed rolls are rebuilt`() {
    let nodes = Records((0..<50).map { nodeRecord("n\($0)", address: "10.0.0.\($0)") })
    var pods = Records((0..<50).map { podRecord("p\($0)", on: "n\($0)", [containerRecord("c")]) })
    var builder = RollBuilder(settings: settings)
    let first = builder.update(nodes: nodes, nodeChange: .all, pods: pods, podChange: .all, at: reading(0))
    #expect(first.count == 50)

    // p7 is not in the reported changes, so that the builder does not see its change.
    pods.records[pods.records.keys.first { $0.name == "p7" }!] = podRecord("p7", on: "n7", [containerRecord("c", .terminated)])
    pods.records[ObjectKey(namespace: "shop", name: "p3")] = podRecord("p3", on: "n3", [containerRecord("c", id: "containerd://new")])
    let second = builder.update(
      nodes: nodes, nodeChange: nil, pods: pods, podChange: .keys([ObjectKey(name: "n3")]), at: reading(1))
    #expect(second.map(\.node) == ["n3"])
    #expect(builder.rolls["n7"]?.entries.count == 1)

    let third = builder.update(nodes: nodes, nodeChange: .all, pods: pods, podChange: .all, at: reading(2))
    #expect(third.map(\.node) == ["n7"], "a full update returns only what differs")
  }

  @Test func `rolls follow Pods and Nodes being added and removed`() {
    var pods = Records([podRecord("p", on: "a", [containerRecord("c")])])
    var nodes = Records([nodeRecord("a"), nodeRecord("b")])
    var builder = RollBuilder(settings: settings)
    _ = builder.update(nodes: nodes, nodeChange: .all, pods: pods, podChange: .all, at: reading(0))
    let key = ObjectKey(namespace: "shop", name: "p")
    // A StatefulSet's pod that is recreated on another node: one key, two nodes.
    pods.records[key] = podRecord("p", on: "b", [containerRecord("c")])
    let both: StoreChange = .keys([ObjectKey(name: "a"), ObjectKey(name: "b")])
    let moved = builder.update(nodes: nodes, nodeChange: nil, pods: pods, podChange: both, at: reading(1))
    #expect(moved.map(\.node) == ["a", "b"])
    #expect(builder.rolls["a"]?.entries.count == 0)
    #expect(builder.rolls["b"]?.entries.count == 1)

    pods.records[key] = nil
    let gone = builder.update(nodes: nodes, nodeChange: nil, pods: pods, podChange: .keys([ObjectKey(name: "b")]), at: reading(2))
    #expect(gone.map(\.node) == ["b"])

    nodes.records[ObjectKey(name: "b")] = nil
    let removed = builder.update(nodes: nodes, nodeChange: .keys([ObjectKey(name: "b")]), pods: pods, podChange: nil, at: reading(3))
    #expect(removed == [.removed(node: "b")])
    #expect(builder.update(nodes: nodes, nodeChange: .all, pods: pods, podChange: .all, at: reading(4)).isEmpty)
  }

  @Test func `a Node can change its source and readiness`() {
    var nodes = Records([nodeRecord("a")])
    var builder = RollBuilder(settings: settings)
    let pods = Records([podRecord("p", on: "a", [containerRecord("c")])])
    _ = builder.update(nodes: nodes, nodeChange: .all, pods: pods, podChange: .all, at: reading(0))
    nodes.records[ObjectKey(name: "a")] = nodeRecord("a", os: "windows", ready: false)
    _ = builder.update(nodes: nodes, nodeChange: .keys([ObjectKey(name: "a")]), pods: pods, podChange: nil, at: reading(1))
    #expect(builder.rolls["a"]?.source == .windows)
    #expect(builder.rolls["a"]?.nodeReady == false)
  }

  // MARK: Grace and termination

  func starting(at startedAt: Int64) -> (builder: RollBuilder, pods: Records<PodRecord>) {
    let pods = Records([podRecord("p", on: "a", [containerRecord("c", .running(startedAtUnixMilliseconds: startedAt))])])
    var builder = RollBuilder(settings: settings)
    _ = builder.update(nodes: Records([nodeRecord("a")]), nodeChange: .all, pods: pods, podChange: .all, at: reading(0))
    return (builder, pods)
  }

  @Test func `R84: a container is on the roll while it starts, and due by the passage of time alone`() throws {
    var (builder, pods) = starting(at: hour - 20_000)
    #expect(try standing(builder.rolls["a"]) == .called(.starting))
    let hash = builder.rolls["a"]?.hash
    #expect(builder.nextChange == moment(40))
    let nodes = Records([nodeRecord("a")])
    #expect(builder.update(nodes: nodes, nodeChange: nil, pods: pods, podChange: nil, at: reading(39.9)).isEmpty)
    #expect(builder.update(nodes: nodes, nodeChange: nil, pods: pods, podChange: nil, at: reading(40)).count == 1)
    #expect(try standing(builder.rolls["a"]) == .due)
    #expect(builder.rolls["a"]?.hash == hash, "the agent's roll is the same")
    #expect(builder.nextChange == nil)
  }

  @Test func `a Node clock that is an hour ahead grants no more than one grace period`() {
    let (builder, _) = starting(at: 2 * hour)
    #expect(builder.nextChange == moment(60))
  }

  @Test func `setting the controller's clock back returns no container to its grace period`() throws {
    var (builder, pods) = starting(at: hour - 20_000)
    let nodes = Records([nodeRecord("a")])
    _ = builder.update(nodes: nodes, nodeChange: .all, pods: pods, podChange: .all, at: reading(41))
    let changes = builder.update(nodes: nodes, nodeChange: .all, pods: pods, podChange: .all, at: reading(42, wall: hour - 15_000))
    #expect(changes.isEmpty)
    #expect(try standing(builder.rolls["a"]) == .due)
  }

  @Test(arguments: [false, true])
  func `R72: a restart does not start another grace period`(reportsRestarts: Bool) throws {
    var (builder, pods) = starting(at: hour - 20_000)
    let steps: [(Double, ContainerRecord, Standing)] = [
      (10, containerRecord("c", .terminated, restarts: true), .called(.restarting)),
      (
        20, containerRecord("c", .running(startedAtUnixMilliseconds: hour + 20_000), id: "containerd://2", restarts: reportsRestarts),
        .due
      ),
      (30, containerRecord("c", .waiting(reason: "CrashLoopBackOff"), id: "containerd://2", restarts: true), .called(.restarting)),
      (
        90, containerRecord("c", .running(startedAtUnixMilliseconds: hour + 90_000), id: "containerd://3", restarts: reportsRestarts),
        .due
      ),
    ]
    for (seconds, container, expected) in steps {
      pods.records[ObjectKey(namespace: "shop", name: "p")] = podRecord("p", on: "a", [container])
      _ = builder.update(
        nodes: Records([nodeRecord("a")]), nodeChange: nil, pods: pods, podChange: .keys([ObjectKey(name: "a")]), at: reading(seconds))
      #expect(try standing(builder.rolls["a"]) == expected, "\(seconds)")
    }
    #expect(builder.nextChange == nil)
  }

  @Test func `R72: another instance within the grace period keeps its end`() throws {
    var (builder, pods) = starting(at: hour - 20_000)
    pods.records[ObjectKey(namespace: "shop", name: "p")] = podRecord(
      "p", on: "a", [containerRecord("c", .running(startedAtUnixMilliseconds: hour + 30_000), id: "containerd://2")])
    _ = builder.update(
      nodes: Records([nodeRecord("a")]), nodeChange: nil, pods: pods, podChange: .keys([ObjectKey(name: "a")]), at: reading(30))
    #expect(try standing(builder.rolls["a"]) == .called(.starting))
    #expect(builder.nextChange == moment(40))
  }

  @Test func `R70: a Pod that outlives its deletion timestamp becomes overdue by the passage of time alone`() throws {
    let pods = Records([podRecord("p", on: "a", deletion: 3630, [containerRecord("c")])])
    let nodes = Records([nodeRecord("a")])
    var builder = RollBuilder(settings: settings)
    _ = builder.update(nodes: nodes, nodeChange: .all, pods: pods, podChange: .all, at: reading(0))
    #expect(builder.nextChange == moment(40))
    #expect(builder.update(nodes: nodes, nodeChange: nil, pods: pods, podChange: nil, at: reading(39.9)).isEmpty)
    #expect(builder.update(nodes: nodes, nodeChange: nil, pods: pods, podChange: nil, at: reading(40)).count == 1)
    #expect(try standing(builder.rolls["a"]) == .called(.terminationOverdue))
    #expect(builder.nextChange == nil)
  }

  // MARK: The hash

  @Test func `the hash depends only on the entries`() throws {
    func hash(_ pods: [PodRecord], ready: Bool = true) throws -> String {
      try #require(build([nodeRecord("a", ready: ready)], pods).rolls["a"]).hash
    }
    let base = try hash([podRecord("p", on: "a", [containerRecord("c")])])
    #expect(base.utf8.count == 64 && base.utf8.allSatisfy { "0123456789abcdef".utf8.contains($0) })
    #expect(
      try hash(
        [podRecord("p", on: "a", [containerRecord("c")]), podRecord("q", on: "a", [containerRecord("c", .terminated)])], ready: false)
        == base)
    #expect(try hash([podRecord("p", on: "a", [containerRecord("c", id: "containerd://cccd")])]) != base)
    #expect(try hash([podRecord("p", on: "a", [containerRecord("cc", id: "containerd://ccc")])]) != base)
    #expect(try hash([]) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "SHA-256 of no bytes")
  }
}

/// A Linux Node with these types and addresses.
private func nodeRecord(_ name: String, _ addresses: [(String, String)]) -> NodeRecord {
  NodeRecord(name: name, operatingSystem: "linux", addresses: addresses.map { NodeAddress(type: $0.0, address: $0.1) }, ready: true)
}

extension [PodRecord] {
  /// The first Pod of each name.
  fileprivate func uniqued() -> [PodRecord] {
    var names = Set<String>()
    return filter { names.insert($0.name).inserted }
  }
}

extension RollChange {
  var node: String {
    switch self {
    case .changed(let roll): roll.node
    case .removed(let node): node
    }
  }
}
