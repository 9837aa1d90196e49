import JSON
import Simulator
import TestSupport
import Testing

@testable import KubeClient

/// Reflectors against the simulator, which shares no code with the client.
@Suite struct SimulatedReflectorTests {
  private func withReflector<Value: Record>(
    _ resource: APIResource, _ decoder: RecordDecoder<Value>, prepare: @Sendable (SimulatedAPIServer) throws -> Void = { _ in },
    check: @Sendable (SimulatedAPIServer, Reflector<Value>) async throws -> Void
  ) async throws {
    try await withSimulator { server, client in
      try prepare(server)
      var policy = WatchPolicy()
      policy.backoff = .milliseconds(5) ... .milliseconds(50)
      let reflector = Reflector(client: client, resource: resource, decoder: decoder, policy: policy, logger: client.logger)
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await reflector.run() }
        try await check(server, reflector)
        group.cancelAll()
      }
    }
  }

  @Test(.timeLimit(.minutes(2)))
  func `R13: the store equals the server after adds, changes, deletes, dropped watches and compaction`() async throws {
    try await withReflector(
      .nodes, .nodes(),
      prepare: { server in for index in 0..<700 { try server.put(.node("node-\(index)")) } },
      check: { server, reflector in
        func settled(_ what: String) async throws {
          try await eventually(what) {
            let expected = try server.list("nodes").compactMap { $0["metadata"] }
            let snapshot = reflector.store.snapshot()
            return snapshot.count == expected.count
              && expected.allSatisfy { metadata in
                let record = snapshot[ObjectKey(name: metadata["name"]?.string ?? "")]
                return record != nil && record?.resourceVersion == metadata["resourceVersion"]?.string
              }
          }
        }
        try await eventually("the first list is stored") { reflector.store.isSynced }
        try await settled("the store equals the server")
        let record = try #require(reflector.store.snapshot()[ObjectKey(name: "node-3")])
        #expect(record.ready == true && record.kubeletPort == 10250 && record.operatingSystem == "linux")
        #expect(record.labels == ["kubernetes.io/os": "linux"])
        #expect(record.addresses == [NodeAddress(type: "InternalIP", address: "10.0.0.1")])

        try server.put(.node("added"))
        try server.remove("nodes", name: "node-5")
        try await settled("changes are stored")
        #expect(reflector.statistics.lists == 1)

        server.dropWatches()
        try server.remove("nodes", name: "node-6")
        try await settled("a dropped watch resumes")

        try await eventually("the watch is open") { server.watchCount == 1 }
        server.dropWatches()
        try server.remove("nodes", name: "node-7")
        try server.put(.node("added-2"))
        server.compact()
        try await settled("compacted changes are found by a list")
      })
  }

  @Test(.timeLimit(.minutes(2)))
  func `Pods become records`() async throws {
    try await withReflector(
      .pods, .pods(annotationPrefixes: ["rollcall.dev/"]),
      check: { server, reflector in
        try await eventually("the empty list is stored") { reflector.store.isSynced }
        try server.put(.pod("web-0", on: "worker-1"))
        try await eventually("the Pod is stored") { !reflector.store.snapshot().isEmpty }
        let record = try #require(reflector.store.snapshot()[ObjectKey(namespace: "shop", name: "web-0")])
        #expect(record.nodeName == "worker-1" && record.phase == "Running" && record.podIPs == ["10.1.0.9"])
        #expect(record.annotations == ["rollcall.dev/ignore": "true"])
        #expect(
          record.containers == [
            ContainerRecord(name: "app", containerID: "containerd://abc", state: .running(startedAtUnixMilliseconds: 1_772_366_400_000))
          ])
      })
  }

  @Test(.timeLimit(.minutes(2)))
  func `R05: a watch that only received bookmarks resumes after them`() async throws {
    var configuration = SimulatorConfiguration()
    configuration.bookmarkInterval = .milliseconds(20)
    try await withSimulator(configuration) { server, client in
      var policy = WatchPolicy()
      policy.watchSeconds = 1...1
      policy.backoff = .milliseconds(5) ... .milliseconds(50)
      let reflector = Reflector(client: client, resource: .nodes, decoder: .nodes(), policy: policy, logger: client.logger)
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await reflector.run() }
        try await eventually("the store is synced") { reflector.store.isSynced && server.watchCount == 1 }
        // Changes of another resource, which are visible only as bookmarks.
        for index in 0..<50 { try server.put(.pod("p-\(index)", on: "n")) }
        try await eventually("two more watches were opened") { reflector.statistics.watches >= 3 }
        #expect(reflector.statistics.lists == 1)
        group.cancelAll()
      }
    }
  }
}
