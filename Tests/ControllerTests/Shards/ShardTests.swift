import Collector
import JSON
import KubeClient
import Primitives
import Roll
import Testing

@testable import Controller

/// What a replica of one of several shards does with the nodes of others. `worker-a` is of the first of two shards, `node-0` of the second.
@Suite struct ShardTests {
  private static let nodes = ["worker-a", "node-0"]

  private func first() throws -> NodeShard { try #require(NodeShard(0, of: 2)) }

  private func build(_ os: String = "linux", labels: [String: String] = [:]) throws -> RollBuilder {
    var settings = RollSettings(grace: .zero, virtualNodes: [LabelSelector("type=virtual")].compactMap(\.self))
    settings.shard = try first()
    var builder = RollBuilder(settings: settings)
    let nodes = Self.nodes.map { nodeRecord($0, os: os, address: $0 == "node-0" ? "10.0.0.2" : "10.0.0.1", labels: labels) }
    let pods = Self.nodes.map { podRecord("pod-of-\($0)", on: $0, [containerRecord("app")]) }
    _ = builder.update(
      nodes: Records(nodes), nodeChange: .all, pods: Records(pods), podChange: .all,
      at: ClockReading(moment: moment(0), unixMilliseconds: 3_600_000))
    return builder
  }

  @Test func `R152: the rolls are those of the shard's nodes, and the others are known without entries`() throws {
    var builder = try build()
    #expect(Set(builder.rolls.keys) == ["worker-a"])
    #expect(builder.rolls["worker-a"]?.entries.count == 1)
    #expect(Set(builder.foreign.keys) == ["node-0"])
    #expect(builder.foreign["node-0"]?.entries.isEmpty == true)
    #expect(builder.foreign["node-0"]?.address == "10.0.0.2")
    let changes = builder.update(
      nodes: Records([NodeRecord]()), nodeChange: .all, pods: Records([PodRecord]()), podChange: .all,
      at: ClockReading(moment: moment(1), unixMilliseconds: 3_601_000))
    #expect(Set(changes.map(\.node)) == Set(Self.nodes))
    #expect(builder.rolls.isEmpty && builder.foreign.isEmpty)
  }

  @Test func `R152: the targets are those of all shards`() throws {
    let rolls = RollStore()
    let builder = try build()
    rolls.publish(builder.rolls.values.map { .changed($0) } + builder.foreign.values.map { .changed($0) }, of: builder)
    #expect(rolls.snapshot().inOrder.map(\.node) == ["worker-a"])
    let targets = CurrentTargets(
      rolls: rolls, exporters: ExporterStatusStore(), endpoints: ControllerSettings().endpoints, shard: try first(),
      virtualAddresses: { [nil, nil] })
    #expect(targets.snapshot()?.map(\.address) == ["10.0.0.2", "10.0.0.1"])
  }

  @Test func `R153: a virtual node is scraped at the leader of its shard`() throws {
    let builder = try build(labels: ["type": "virtual"])
    let targets = TargetBuilder(
      endpoints: ControllerSettings().endpoints, virtualAddresses: ["10.3.0.4", "10.3.0.5"], shard: try first())
    let found = targets.targets(of: Array(builder.rolls.values) + builder.foreign.values)
    #expect(found.map(\.node) == ["node-0", "worker-a"])
    #expect(found.map(\.address) == ["10.3.0.5", "10.3.0.4"])
  }

  @Test func `R152: the alert on a workload has the label of the shard, and the alert on a container has not`() throws {
    let gap = Gap(
      container: ContainerReference(namespace: "shop", pod: "cart-0", container: "cart"), node: "worker-a", source: .linux,
      kind: .uncollected, reason: .agentUnreachable, detail: "", since: moment(0))
    let workload = Workload(kind: "Deployment", name: "cart")
    let alerts = [Alert.workload(WorkloadAlertKey(gap, workload), GapGroup(gap)), .gap(gap, workload: workload)]
    let labels = alerts.map { $0.postable(startsAt: 0, endsAt: 1, shard: "1")["labels"]?["shard"]?.string }
    #expect(labels == ["1", nil])
    #expect(alerts.allSatisfy { $0.postable(startsAt: 0, endsAt: 1)["labels"]?["shard"] == nil })
  }

  @Test(arguments: [
    ("rollcall-controller-0", 0), ("rollcall-controller-3", 3), ("rollcall-controller-7", 3), ("a-12", 0),
  ]) func `R152: the number of a Pod of a StatefulSet decides its shard`(pod: String, shard: Int) throws {
    var settings = ControllerSettings()
    settings.shards = 4
    #expect(try settings.nodeShard(environment: ["POD_NAME": pod]) == NodeShard(shard, of: 4))
    settings.shard = 2
    #expect(try settings.nodeShard(environment: ["POD_NAME": pod]) == NodeShard(2, of: 4))
    settings.shards = 1
    #expect(try settings.nodeShard(environment: ["POD_NAME": pod]) == .all)
  }

  @Test(arguments: ["", "rollcall", "rollcall-controller-6d5f9c7b8-24567", "rollcall-controller-6d5f9c7b8-x2z4k", "rollcall-"])
  func `a replica of which nothing says the shard is refused`(pod: String) throws {
    var settings = ControllerSettings()
    settings.shards = 4
    #expect(throws: ControllerError.self) { try settings.nodeShard(environment: ["POD_NAME": pod]) }
  }

  @Test(arguments: [
    (["shard": ["1"]], "--shards"), (["shards": ["2"], "shard": ["2"]], "numbered from 0 to 1"),
    (["shards": ["2"], "leader-election": ["off"]], "--leader-election on"),
    (["shards": ["2"], "listen-tls-dir": ["/tls"]], "--listen-tls-dir"),
    (["shards": ["2"], "listen-tls": ["off"]], "--authorization off"), (["shards": ["0"]], "from 1 to 64"),
  ]) func `settings that contradict shards are refused`(flags: [String: [String]], message: String) throws {
    let error = #expect(throws: SettingsError.self) { try SettingsSources(flags: flags).settings() }
    #expect("\(String(describing: error))".contains(message), "\(String(describing: error))")
  }
}
