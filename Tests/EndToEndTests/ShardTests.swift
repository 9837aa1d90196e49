import Foundation
import JSON
import Primitives
import Simulator
import TestSupport
import Testing

/// Controllers that divide the nodes of a simulated cluster, as a StatefulSet would start them. No agent answers, so that every container
/// becomes a gap.
@Suite(.serialized, .timeLimit(.minutes(10)))
struct ShardTests {
  private static let nodes = (0..<40).map { "node-\($0)" }

  private static func nodes(ofShard index: Int, of count: Int = 2) -> [String] {
    nodes.filter { NodeShard.index(of: $0.utf8, among: count) == index }
  }

  private static var objects: [JSONValue] {
    nodes.enumerated().flatMap { number, node -> [JSONValue] in
      [
        [
          "apiVersion": "v1", "kind": "Node", "metadata": ["name": .string(node), "labels": ["kubernetes.io/os": "linux"]],
          "status": [
            "addresses": [["type": "InternalIP", "address": .string("127.0.78.\(number + 1)")]],
            "conditions": [["type": "Ready", "status": "True"]], "nodeInfo": ["operatingSystem": "linux"],
          ],
        ],
        [
          "apiVersion": "v1", "kind": "Pod", "metadata": ["namespace": "default", "name": .string("pod-of-\(node)")],
          "spec": ["nodeName": .string(node), "containers": [["name": "app", "image": "app"]]],
          "status": [
            "phase": "Running",
            "containerStatuses": [
              [
                "name": "app", "containerID": .string("containerd://\(String(repeating: "b", count: 60))\(1000 + number)"),
                "state": ["running": ["startedAt": "2026-01-01T00:00:00Z"]],
              ]
            ],
          ],
        ],
      ]
    }
  }

  private static let shards = ["--shards", "2", "--authorization", "off"]
  /// The phases of the nodes come too late for the limits of these tests: only first calls are seen.
  private static let rarely = shards + ["--interval", "30m", "--threshold", "3h"]
  private static let often = shards + ["--interval", "1s", "--threshold", "3s"]

  private static func pod(_ number: Int) -> String { "rollcall-controller-\(number)" }

  /// Tells the cluster where a replica is, as its kubelet would.
  private static func register(_ controller: RunningController, _ number: Int) throws {
    try controller.apiServer.put([
      "apiVersion": "v1", "kind": "Pod", "metadata": ["namespace": "rollcall", "name": .string(pod(number))],
      "spec": ["nodeName": "control-plane", "containers": [["name": "controller", "image": "rollcall"]]],
      "status": ["phase": "Running", "podIPs": [["ip": .string(controller.address.host)]]],
    ])
  }

  /// Runs replicas 0 to `count - 1`.
  private func run(_ count: Int, _ arguments: [String], _ body: ([RunningController]) async throws -> Void) async throws {
    try await RunningController.run(Self.objects, arguments, pod: Self.pod(0)) { first in
      var replicas = [first]
      defer { for replica in replicas.dropFirst() { replica.program.stop() } }
      try Self.register(first, 0)
      for number in 1..<count {
        let replica = try await first.startAnother(pod: Self.pod(number))
        replicas.append(replica)
        try Self.register(replica, number)
      }
      try await body(replicas)
    }
  }

  private func leads(_ replica: RunningController, shard: Int) async throws -> Bool {
    try await replica.metric("rollcall_shard_leader", where: "shard=\"\(shard)\"") == 1
  }

  private func json(_ replica: RunningController, _ path: String) async throws -> JSONValue {
    try JSONValue(parsing: try await replica.get(path))
  }

  /// The beginnings of the gaps by node, once every node of these has one.
  private func gaps(_ replica: RunningController, on nodes: [String]) async throws -> [String: String] {
    var since: [String: String] = [:]
    try await eventually("every node of \(nodes.count) has a gap") {
      since = [:]
      for gap in try await json(replica, "/api/v1/gaps")["gaps"]?.array ?? [] {
        if let node = gap["node"]?.string, nodes.contains(node) { since[node] = gap["since"]?.string }
      }
      return Set(since.keys) == Set(nodes)
    }
    return since
  }

  private func answered(_ replica: RunningController) async throws -> Int64? {
    try await json(replica, "/api/v1/coverage")["shards"]?["answered"]?.integer
  }

  @Test func `R152: the leader of a shard calls its nodes only, and all nodes are called once`() async throws {
    try await run(2, Self.rarely) { replicas in
      for (index, replica) in replicas.enumerated() {
        let own = Double(Self.nodes(ofShard: index).count)
        try await eventually("shard \(index) has called its nodes") {
          try await replica.metric("rollcall_collections_total", where: "source=\"linux\"") == own
        }
        #expect(try await replica.metric("rollcall_shards") == 2)
      }
    }
  }

  @Test func `R152: only the first shard writes what is not a shard's own, with the nodes of all`() async throws {
    try await RunningController.run(Self.objects, Self.rarely, pod: Self.pod(1)) { second in
      try Self.register(second, 1)
      try await eventually("the leader of the second shard has called its nodes") {
        try await second.metric("rollcall_collections_total", where: "source=\"linux\"") == Double(Self.nodes(ofShard: 1).count)
      }
      let slices = { try second.apiServer.list("endpointslices.discovery.k8s.io", namespace: "rollcall") }
      #expect(try slices().isEmpty)
      #expect(second.apiServer.get("secrets", namespace: "rollcall", name: "rollcall-authority") == nil)
      let first = try await second.startAnother(pod: Self.pod(0))
      defer { first.program.stop() }
      try await eventually("the targets of all nodes are published") {
        try slices().reduce(0) { $0 + ($1["endpoints"]?.array?.count ?? 0) } == Self.nodes.count
      }
      try await eventually("the certificates are made") {
        second.apiServer.get("secrets", namespace: "rollcall", name: "rollcall-authority") != nil
      }
    }
  }

  @Test func `R153: every replica answers for all shards, and says which are missing`() async throws {
    try await run(2, Self.often) { replicas in
      for replica in replicas {
        _ = try await gaps(replica, on: Self.nodes)
        #expect(try await answered(replica) == 2)
        let coverage = try await json(replica, "/api/v1/coverage")
        #expect(coverage["total"]?["nodes"]?.integer == Int64(Self.nodes.count))
        #expect(coverage["sources"]?["linux"]?["expected"]?.integer == Int64(Self.nodes.count))
        let listed = try await json(replica, "/api/v1/nodes")["nodes"]?.array ?? []
        #expect(Set(listed.compactMap { $0["name"]?.string }) == Set(Self.nodes))
        let targets = try await json(replica, "/sd/v1/targets?source=linux").array ?? []
        #expect(targets.count == Self.nodes.count)
      }
      replicas[1].program.send(signal: SIGKILL)
      _ = try await replicas[1].program.waitForExit()
      try await eventually("the second shard is missing") { try await answered(replicas[0]) == 1 }
      let list = try await json(replicas[0], "/api/v1/gaps")
      #expect(list["shards"]?["missing"]?[0]?["shard"]?.integer == 1)
      let folder = try TemporaryFolder()
      let command = try ExternalProgram(
        try builtExecutable("rollcall"), ["gaps", "-A", "--server", replicas[0].url], log: "\(folder.path)/gaps.log")
      #expect(try await command.waitForExit() == 1)
      #expect(command.output.contains("incomplete: shard 1 is missing"), "\(command.output)")
      #expect(Set((list["gaps"]?.array ?? []).compactMap { $0["node"]?.string }) == Set(Self.nodes(ofShard: 0)))
    }
  }

  @Test(arguments: [SIGKILL, SIGTERM]) func `R154: a standby takes over the shard of a replica that ends, with the age of its gaps`(
    signal: Int32
  ) async throws {
    try await run(4, Self.often) { replicas in
      let own = Self.nodes(ofShard: 1)
      let before = try await gaps(replicas[0], on: own)
      let leader = try await leads(replicas[1], shard: 1) ? 1 : 3
      let standby = 4 - leader
      try await eventually("the gaps are archived") {
        let data = replicas[0].apiServer.get("configmaps", namespace: "rollcall", name: "rollcall-gaps-shard-1")?["data"]
        return own.allSatisfy { data?["gaps.json"]?.string?.contains("\"\($0)\"") == true }
      }
      replicas[leader].program.send(signal: signal)
      _ = try await replicas[leader].program.waitForExit(within: .seconds(30))
      try await eventually("the standby leads") { try await leads(replicas[standby], shard: 1) }
      let after = try await gaps(replicas[0], on: own)
      // Times of day are rounded to milliseconds each time they are written.
      for node in own {
        let difference = zip([before[node]], [after[node]]).map { Self.seconds($0) - Self.seconds($1) }[0]
        #expect(abs(difference) < 1, "\(node): \(before[node] ?? "") and \(after[node] ?? "")")
      }
      #expect(try await answered(replicas[0]) == 2)
    }
  }

  private static func seconds(_ text: String?) -> Double {
    text.flatMap { try? Date($0, strategy: .iso8601.time(includingFractionalSeconds: $0.contains("."))) }?.timeIntervalSince1970 ?? 0
  }

  @Test func `R154: a replica that was stopped and goes on does not call the shard that another has taken over`() async throws {
    try await run(4, Self.often) { replicas in
      _ = try await gaps(replicas[0], on: Self.nodes)
      let leader = try await leads(replicas[1], shard: 1) ? 1 : 3
      let standby = 4 - leader
      replicas[leader].program.send(signal: SIGSTOP)
      defer { replicas[leader].program.send(signal: SIGCONT) }
      try await eventually("the standby leads") { try await leads(replicas[standby], shard: 1) }
      replicas[leader].program.send(signal: SIGCONT)
      try await eventually("the stopped one knows") { try await !leads(replicas[leader], shard: 1) }
      try await eventually("it has no ledger") {
        try await replicas[leader].metric("rollcall_expected_containers") == 0
      }
      #expect(try await leads(replicas[standby], shard: 1))
      #expect(try await answered(replicas[leader]) == 2)
      _ = try await gaps(replicas[leader], on: Self.nodes)
    }
  }

  @Test func `a replica that does not know its shard does not start`() async throws {
    let folder = try TemporaryFolder()
    let kubeconfig = try folder.write("apiVersion: v1\nkind: Config\n", to: "kubeconfig")
    let program = try ExternalProgram(
      try builtExecutable("rollcall"), ["controller", "--kubeconfig", kubeconfig, "--shards", "2"],
      environment: ["POD_NAME": "rollcall-controller-6d5f9c7b8-24567"], log: "\(folder.path)/log")
    defer { program.stop() }
    #expect(try await program.waitForExit() == 78)
    #expect(program.output.contains("nothing says which shard"))
  }
}
