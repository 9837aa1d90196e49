import Foundation
import HTTPTransport
import JSON
import Simulator
import TestSupport
import Testing

/// Controller processes that end in different ways, with a simulated API server and nodes whose agents do not answer.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct LeadershipTests {
  private static let nodes = 40
  private static let leases = "leases.coordination.k8s.io"

  private static var objects: [JSONValue] {
    (0..<nodes).flatMap { number -> [JSONValue] in
      let node = "node-\(number)"
      return [
        [
          "apiVersion": "v1", "kind": "Node", "metadata": ["name": .string(node), "labels": ["kubernetes.io/os": "linux"]],
          "status": [
            "addresses": [["type": "InternalIP", "address": .string("127.0.77.\(number + 1)")]],
            "conditions": [["type": "Ready", "status": "True"]], "nodeInfo": ["operatingSystem": "linux"],
          ],
        ],
        [
          "apiVersion": "v1", "kind": "Pod", "metadata": ["namespace": "default", "name": .string("pod-\(number)")],
          "spec": ["nodeName": .string(node), "containers": [["name": "app", "image": "app"]]],
          "status": [
            "phase": "Running",
            "containerStatuses": [
              [
                "name": "app", "containerID": .string("containerd://\(String(repeating: "a", count: 60))\(1000 + number)"),
                "state": ["running": ["startedAt": "2026-01-01T00:00:00Z"]],
              ]
            ],
          ],
        ],
      ]
    }
  }

  /// The phases of the nodes come too late for the limits of these tests: only first calls are seen.
  private static let rarely = ["--interval", "30m", "--threshold", "3h"]

  private static func holder(_ server: SimulatedAPIServer) -> String? {
    server.get(leases, namespace: "rollcall", name: "rollcall-controller")?["spec"]?["holderIdentity"]?.string
  }

  private func hasCalledEveryNode(_ controller: RunningController) async throws -> Bool {
    try await controller.metric("rollcall_collections_total", where: "source=\"linux\"") == Double(Self.nodes)
  }

  @Test func `R79: a killed controller leads again with its first request and calls every node`() async throws {
    try await RunningController.run(Self.objects, Self.rarely, pod: "rollcall-0") { first in
      try await eventually("the first has called every node") { try await hasCalledEveryNode(first) }
      first.program.send(signal: SIGKILL)
      _ = try await first.program.waitForExit()
      #expect(Self.holder(first.apiServer) == "rollcall-0")

      let reads = first.apiServer.requestCount(.get, Self.leases)
      let second = try await first.startAnother(pod: "rollcall-0")
      defer { second.program.stop() }
      try await eventually("the second leads") { try await second.metric("rollcall_leader") == 1 }
      #expect(first.apiServer.requestCount(.get, Self.leases) == reads + 1)
      try await eventually("the second has called every node") { try await hasCalledEveryNode(second) }
    }
  }

  @Test func `R32, R79: a controller that ends in order hands over to another, which calls every node`() async throws {
    try await RunningController.run(Self.objects, Self.rarely, pod: "rollcall-0") { first in
      try await eventually("the first leads") { try await first.metric("rollcall_leader") == 1 }
      let second = try await first.startAnother(pod: "rollcall-1")
      defer { second.program.stop() }
      try await eventually("the second waits") { first.apiServer.requestCount(.get, Self.leases) >= 3 }
      #expect(try await second.metric("rollcall_leader") == 0)
      #expect(try await second.metric("rollcall_collections_total", where: "source=\"linux\"") == 0)

      first.program.send(signal: SIGTERM)
      #expect(try await first.program.waitForExit() == 0)
      #expect(Self.holder(first.apiServer) != "rollcall-0", "the Lease was released")
      try await eventually("the second leads") { try await second.metric("rollcall_leader") == 1 }
      try await eventually("the second has called every node") { try await hasCalledEveryNode(second) }
    }
  }

  @Test func `R132: a replica that does not lead shows the leader's page, over TLS that it verifies`() async throws {
    let arguments = Self.rarely + ["--listen-tls", "on", "--authorization", "off"]
    try await RunningController.run(Self.objects, arguments, pod: "rollcall-0") { leader in
      try await eventually("the first leads") { Self.holder(leader.apiServer) == "rollcall-0" }
      let follower = try await leader.startAnother(pod: "rollcall-1")
      defer { follower.program.stop() }
      for (name, controller) in [("rollcall-0", leader), ("rollcall-1", follower)] {
        try leader.apiServer.put([
          "apiVersion": "v1", "kind": "Pod", "metadata": ["namespace": "rollcall", "name": .string(name)],
          "spec": ["nodeName": "node-0", "containers": [["name": "controller", "image": "rollcall"]]],
          "status": ["phase": "Running", "podIP": .string(controller.address.host)],
        ])
      }
      let folder = try TemporaryFolder()
      let authority = try await leader.authority(in: folder)
      let request = HTTPRequest(
        url: "\(follower.url)/page/nodes?q=node-7", deadline: .seconds(20),
        tls: TLSOptions(certificateAuthorities: .file(authority), serverName: "rollcall-controller"))
      try await eventually("the follower shows the leader's page") {
        guard let response = try? await follower.transport.send(request), response.status == 200 else { return false }
        let page = String(decoding: response.body, as: UTF8.self)
        return page.contains("asked by rollcall-1, which does not") && page.contains("node?node=node-7")
      }
    }
  }

  @Test func `R60: on SIGTERM a controller is unready at once and ends, also with idle connections open`() async throws {
    try await RunningController.run(Self.objects, [], pod: "rollcall-0") { controller in
      try await eventually("it is ready and leads") {
        let answer = String(decoding: try await controller.get("/readyz"), as: UTF8.self)
        let isLeader = try await controller.metric("rollcall_leader") == 1
        return isLeader && !answer.contains("[-]")
      }
      let authority = try #require(URL(string: controller.url))
      let (host, port) = (try #require(authority.host()), try #require(authority.port))
      // Half of them never send a request, the others are kept after one.
      let connections = try (0..<20).map { _ in try #require(connectedSocket(host: host, port: port)) }
      defer { for connection in connections { close(connection) } }
      for connection in connections.prefix(10) {
        let request = Array("GET /livez HTTP/1.1\r\nHost: rollcall\r\n\r\n".utf8)
        #expect(write(connection, request, request.count) == request.count)
        var answer = [UInt8](repeating: 0, count: 4096)
        #expect(read(connection, &answer, answer.count) > 0)
      }

      controller.program.send(signal: SIGTERM)
      _ = try await controller.program.waitForLine(containing: "shutting down")
      while controller.program.isRunning, let answer = try? await controller.get("/readyz") {
        #expect(String(decoding: answer, as: UTF8.self).contains("[-] running: shutting down"))
      }
      #expect(try await controller.program.waitForExit(within: .seconds(30)) == 0)
      #expect(Self.holder(controller.apiServer) == nil, "the Lease was released")
    }
  }
}
