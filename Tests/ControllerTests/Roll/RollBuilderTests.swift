import Controller
import KubeClient
import Primitives
import Roll
import Testing

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

  static let containers: [(String, ContainerRecord, Exemption?, Bool)] = [
    ("running", containerRecord("c"), nil, true),
    ("running init container", containerRecord("c", kind: .initialization), nil, true),
    ("running ephemeral container", containerRecord("c", kind: .ephemeral), nil, true),
    ("waiting", containerRecord("c", .waiting(reason: "CrashLoopBackOff")), .notRunning, false),
    ("terminated", containerRecord("c", .terminated), .notRunning, false),
    ("finished init container", containerRecord("c", .terminated, kind: .initialization), nil, false),
    ("finished ephemeral container", containerRecord("c", .terminated, kind: .ephemeral), nil, false),
    ("start unknown", containerRecord("c", .running(startedAtUnixMilliseconds: nil)), nil, true),
    ("started 59 s ago", containerRecord("c", .running(startedAtUnixMilliseconds: 3_600_000 - 59_000)), .starting, false),
    ("started 60 s ago", containerRecord("c", .running(startedAtUnixMilliseconds: 3_600_000 - 60_000)), nil, true),
    ("HostProcess on Linux", containerRecord("c", hostProcess: true), nil, true),
  ]

  @Test(arguments: containers)
  func `a container is either on the roll or exempt`(what: String, container: ContainerRecord, exemption: Exemption?, isOnRoll: Bool) throws
  {
    let roll = try #require(build([nodeRecord("a")], [podRecord("p", on: "a", [container])]).rolls["a"])
    #expect(roll.entries.count == (isOnRoll ? 1 : 0), "\(what)")
    #expect(roll.exempt.map(\.exemption) == (exemption.map { [$0] } ?? []), "\(what)")
  }

  static let pods: [(String, PodRecord, Exemption?, Bool)] = [
    ("ignored", podRecord("p", on: "a", annotations: ["rollcall.dev/ignore": "true"], [containerRecord("c")]), .ignored, false),
    ("not ignored", podRecord("p", on: "a", annotations: ["rollcall.dev/ignore": "false"], [containerRecord("c")]), nil, true),
    ("being deleted and still running", podRecord("p", on: "a", deletion: 0, [containerRecord("c")]), nil, true),
    ("being deleted and stopped", podRecord("p", on: "a", deletion: 0, [containerRecord("c", .terminated)]), .notRunning, false),
    ("finished", podRecord("p", on: "a", phase: "Succeeded", [containerRecord("c")]), .notRunning, false),
    ("failed", podRecord("p", on: "a", phase: "Failed", [containerRecord("c")]), .notRunning, false),
    ("not scheduled", podRecord("p", on: nil, phase: "Pending", [containerRecord("c", .waiting(reason: ""))]), nil, false),
    ("on an unknown node", podRecord("p", on: "zz", [containerRecord("c")]), nil, false),
  ]

  @Test(arguments: pods) func `a Pod is either on the roll or exempt`(what: String, pod: PodRecord, exemption: Exemption?, isOnRoll: Bool)
    throws
  {
    let builder = build([nodeRecord("a")], [pod])
    let roll = try #require(builder.rolls["a"])
    #expect(builder.rolls.count == 1)
    #expect(roll.entries.count == (isOnRoll ? 1 : 0), "\(what)")
    #expect(roll.exempt.map(\.exemption) == (exemption.map { [$0] } ?? []), "\(what)")
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
      NodeRecord(
        name: "n", operatingSystem: "linux",
        addresses: [("Hostname", "n.example"), ("ExternalIP", "198.51.100.1"), ("InternalIP", "fd00::1"), ("InternalIP", "10.0.0.9")].map {
          NodeAddress(type: $0.0, address: $0.1)
        }), .linux, "10.0.0.9", 0
    ),
    (
      NodeRecord(name: "n", operatingSystem: "linux", addresses: [NodeAddress(type: "Hostname", address: "n.example")]), .linux,
      "n.example", 0
    ),
    (NodeRecord(name: "n", annotations: ["rollcall.dev/address": "10.9.9.9"], operatingSystem: "linux"), .linux, "10.9.9.9", 0),
    (NodeRecord(name: "n", annotations: ["rollcall.dev/address": "10.9.9.9/x?"], operatingSystem: "linux"), .linux, nil, 1),
    (nodeRecord("n", address: "not an address"), .linux, nil, 1),
  ]

  @Test(arguments: nodes) func `the source and address of a Node are derived from its record`(
    record: NodeRecord, source: Source, address: String?, notes: Int
  ) {
    let facts = NodeFacts(record, virtualNodes: settings.virtualNodes)
    #expect(facts.source == source)
    #expect(facts.address == address)
    #expect(facts.notes.count == notes)
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

  // MARK: Grace

  func starting(at startedAt: Int64) -> (builder: RollBuilder, pods: Records<PodRecord>) {
    let pods = Records([podRecord("p", on: "a", [containerRecord("c", .running(startedAtUnixMilliseconds: startedAt))])])
    var builder = RollBuilder(settings: settings)
    _ = builder.update(nodes: Records([nodeRecord("a")]), nodeChange: .all, pods: pods, podChange: .all, at: reading(0))
    return (builder, pods)
  }

  @Test func `the grace period ends by the passage of time alone`() {
    var (builder, pods) = starting(at: hour - 20_000)
    #expect(builder.nextEndOfGrace == moment(40))
    let nodes = Records([nodeRecord("a")])
    #expect(builder.update(nodes: nodes, nodeChange: nil, pods: pods, podChange: nil, at: reading(39.9)).isEmpty)
    #expect(builder.update(nodes: nodes, nodeChange: nil, pods: pods, podChange: nil, at: reading(40)).count == 1)
    #expect(builder.rolls["a"]?.entries.count == 1)
    #expect(builder.nextEndOfGrace == nil)
  }

  @Test func `a Node clock that is an hour ahead grants no more than one grace period`() {
    let (builder, _) = starting(at: 2 * hour)
    #expect(builder.nextEndOfGrace == moment(60))
  }

  @Test func `setting the controller's clock back returns no container to its grace period`() {
    var (builder, pods) = starting(at: hour - 20_000)
    let nodes = Records([nodeRecord("a")])
    _ = builder.update(nodes: nodes, nodeChange: .all, pods: pods, podChange: .all, at: reading(41))
    let changes = builder.update(nodes: nodes, nodeChange: .all, pods: pods, podChange: .all, at: reading(42, wall: hour - 15_000))
    #expect(changes.isEmpty)
    #expect(builder.rolls["a"]?.entries.count == 1)
  }

  @Test func `a container restart starts a new grace period`() {
    var (builder, pods) = starting(at: 0)
    #expect(builder.rolls["a"]?.entries.count == 1)
    let key = ObjectKey(namespace: "shop", name: "p")
    pods.records[key] = podRecord(
      "p", on: "a", [containerRecord("c", .running(startedAtUnixMilliseconds: hour + 90_000), id: "containerd://2")])
    _ = builder.update(
      nodes: Records([nodeRecord("a")]), nodeChange: nil, pods: pods, podChange: .keys([ObjectKey(name: "a")]), at: reading(100))
    #expect(builder.rolls["a"]?.exempt.map(\.exemption) == [.starting])
    #expect(builder.nextEndOfGrace == moment(150))
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

extension RollChange {
  var node: String {
    switch self {
    case .changed(let roll): roll.node
    case .removed(let node): node
    }
  }
}
