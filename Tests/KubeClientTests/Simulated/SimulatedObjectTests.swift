import JSON
import Simulator
import TestSupport
import Testing

@testable import KubeClient

/// Requests and lists against the simulator, which shares no code with the client.
@Suite struct SimulatedObjectTests {
  @Test(.timeLimit(.minutes(2)))
  func `R02: a list of several pages is complete`() async throws {
    try await withSimulator { server, client in
      for index in 0..<1203 { try server.put(.node("node-\(index)")) }
      let list = try await client.list(.nodes)
      #expect(list.items.count == 1203)
      #expect(Set(list.items.compactMap { $0["metadata"]?["name"]?.string }).count == 1203)
      #expect(list.resourceVersion == String(server.resourceVersion))
      #expect(server.requestCount(.list, "nodes") == 3)
      let some = try await client.list(.nodes, Selection(fields: "metadata.name=node-7"))
      #expect(some.items.count == 1)
    }
  }

  @Test(.timeLimit(.minutes(2)))
  func `apply creates, changes and conflicts`() async throws {
    try await withSimulator { server, client in
      func configMap(_ value: JSONValue) -> JSONValue {
        ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["namespace": "default", "name": "a"], "data": ["key": value]]
      }
      try await client.apply(configMap("1"), fieldManager: "us")
      try await client.apply(configMap("2"), fieldManager: "us")
      #expect(server.get("configmaps", namespace: "default", name: "a")?["data"]?["key"] == "2")
      let conflict = await #expect(throws: KubeError.self) { try await client.apply(configMap("3"), fieldManager: "them") }
      #expect(conflict?.status?.isConflict == true)
      #expect(conflict?.status?.causes.contains("FieldManagerConflict") == true)
      try await client.apply(configMap("3"), fieldManager: "them", force: true)
      #expect(try await client.get(.configMaps, name: "a", namespace: "default")["data"]?["key"] == "3")
    }
  }

  @Test(.timeLimit(.minutes(2)))
  func `create, replace and delete check the stored object`() async throws {
    try await withSimulator { server, client in
      let object: JSONValue = ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["namespace": "default", "name": "a"]]
      let created = try await client.create(object)
      let exists = await #expect(throws: KubeError.self) { try await client.create(object) }
      #expect(exists?.status?.isAlreadyExists == true)
      var changed = created
      changed["data"] = ["key": "1"]
      try await client.replace(changed)
      let outdated = await #expect(throws: KubeError.self) { try await client.replace(changed) }
      #expect(outdated?.status?.isConflict == true)
      let other = await #expect(throws: KubeError.self) {
        try await client.delete(.configMaps, name: "a", namespace: "default", preconditions: DeletePreconditions(uid: "another"))
      }
      #expect(other?.status?.isConflict == true)
      let uid = created["metadata"]?["uid"]?.string
      try await client.delete(.configMaps, name: "a", namespace: "default", preconditions: DeletePreconditions(uid: uid))
      let gone = await #expect(throws: KubeError.self) { try await client.get(.configMaps, name: "a", namespace: "default") }
      #expect(gone?.status?.isNotFound == true)
    }
  }
}
