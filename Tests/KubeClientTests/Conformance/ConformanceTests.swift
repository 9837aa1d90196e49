import JSON
import TestSupport
import Testing

@testable import KubeClient

/// What the client relies on, of any API server: the simulator must do it as a real one does.
@Suite(.timeLimit(.minutes(5))) struct ConformanceTests {
  private func status(of body: () async throws(KubeError) -> Void) async throws -> APIStatus {
    do throws(KubeError) {
      try await body()
    } catch {
      return try #require(error.status, "\(error)")
    }
    throw Bench.Unexpected(description: "the request was fulfilled")
  }

  @Test("R02: a list in pages is of one moment", arguments: APIServerUnderTest.all)
  func pages(_ server: APIServerUnderTest) async throws {
    try await withBench(server) { bench in
      let labels: JSONValue = ["list": "pages"]
      let selection = Selection(namespace: bench.namespace, labels: "list=pages")
      for index in 0..<5 { try await bench.client.create(bench.configMap("object-\(index)", "old", labels: labels)) }
      let first = try await bench.page(.configMaps, ValueRecord.decoder, selection, limit: 2)
      #expect(first.records.map(\.key.name) == ["object-0", "object-1"])
      try await bench.client.create(bench.configMap("object-25", "new", labels: labels))
      try await bench.client.replace(bench.configMap("object-3", "new", labels: labels))
      try await bench.delete(.configMaps, "object-4")
      let second = try await bench.page(.configMaps, ValueRecord.decoder, selection, limit: 2, continue: first.continueToken)
      #expect(second.records.map(\.key.name) == ["object-2", "object-3"])
      #expect(second.records.map(\.value) == ["old", "old"])
      #expect(second.resourceVersion == first.resourceVersion)
      let last = try await bench.page(.configMaps, ValueRecord.decoder, selection, limit: 2, continue: second.continueToken)
      #expect(last.records.map(\.key.name) == ["object-4"])
      #expect(last.resourceVersion == first.resourceVersion && last.continueToken == nil)
      let now = try await bench.client.list(.configMaps, selection)
      #expect(now.items.compactMap(\.name) == ["object-0", "object-1", "object-2", "object-25", "object-3"])
      #expect(now.resourceVersion != first.resourceVersion)
    }
  }

  @Test("a watch says what happened after its version, as its selector sees it", arguments: APIServerUnderTest.all)
  func watch(_ server: APIServerUnderTest) async throws {
    try await withBench(server) { bench in
      let selection = Selection(namespace: bench.namespace, labels: "tier=web")
      try await bench.client.create(bench.configMap("before", "", labels: ["tier": "web"]))
      let list = try await bench.client.list(.configMaps, selection)
      var stream = try await bench.watch(.configMaps, ValueRecord.decoder, selection, from: list.resourceVersion)
      func key(_ name: String) -> ObjectKey { ObjectKey(namespace: bench.namespace, name: name) }
      func put(_ object: JSONValue, _ value: String) -> RecordChange<ValueRecord> {
        .put(ValueRecord(key: key(object.name ?? ""), resourceVersion: object.resourceVersion ?? "", value: value))
      }
      let created = try await bench.client.create(bench.configMap("a", "1", labels: ["tier": "web"]))
      let changed = try await bench.client.replace(bench.configMap("a", "2", labels: ["tier": "web"]))
      try await bench.client.create(bench.configMap("other", "1"))
      try await bench.client.replace(bench.configMap("a", "3"))
      let back = try await bench.client.replace(bench.configMap("a", "4", labels: ["tier": "web"]))
      try await bench.delete(.configMaps, "a")
      let changes = try await stream.changes(5)
      #expect(changes == [put(created, "1"), put(changed, "2"), .remove(key("a")), put(back, "4"), .remove(key("a"))])

      // From a version in between.
      var later = try await bench.watch(.configMaps, ValueRecord.decoder, selection, from: changed.resourceVersion ?? "")
      let rest = try await later.changes(3)
      #expect(rest == [.remove(key("a")), put(back, "4"), .remove(key("a"))])
    }
  }

  @Test("R06, R03: a version that was compacted: 410, of a list, of a page and of a watch", arguments: APIServerUnderTest.all)
  func expired(_ server: APIServerUnderTest) async throws {
    try await withBench(server) { bench in
      bench.forgetHistory()
      // The continue token as apiserver writes it: k8s.io/apiserver/pkg/storage/continue.go.
      let token = "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiJhXHUwMDAwIn0"
      let page = APIRequest.list(.configMaps, bench.selection, limit: 1, continue: token)
      let exact = APIRequest(
        method: "GET", path: APIResource.configMaps.path(namespace: bench.namespace),
        query: [QueryItem("resourceVersion", "1"), QueryItem("resourceVersionMatch", "Exact")])
      try await withKnownIssue("a real API server that is only minutes old has compacted nothing yet", isIntermittent: bench.isReal) {
        for request in [page, exact] {
          let refusal = try await status { () async throws(KubeError) in _ = try await bench.client.send(request) }
          #expect(refusal.code == 410 && refusal.reason == "Expired" && refusal.isExpired)
        }
        // Events are the one resource that the API server watches in etcd itself: a watch's cache may reach back further.
        let decoder = RecordDecoder<ValueRecord>(kind: "Event") { _ in
          ValueRecord(key: ObjectKey(name: "a"), resourceVersion: "", value: "")
        }
        var stream = try await bench.watch(.events, decoder, .all, from: "1")
        guard case .failed(.status(let refusal)) = await stream.next() else { throw Bench.Unexpected(description: "the watch goes on") }
        #expect(refusal.code == 410 && refusal.isExpired)
      } when: {
        bench.isReal
      }
    }
  }

  @Test("R05: a bookmark comes to who asks, before the watch ends, and is a version to go on from", arguments: APIServerUnderTest.all)
  func bookmark(_ server: APIServerUnderTest) async throws {
    try await withBench(server) { bench in
      let none = Selection(namespace: bench.namespace, labels: "chosen=yes")
      let list = try await bench.client.list(.configMaps, none)
      var stream = try await bench.watch(.configMaps, ValueRecord.decoder, none, from: list.resourceVersion, timeoutSeconds: 5)
      // A real API server has no bookmark to send where nothing at all happens.
      try await bench.client.create(bench.configMap("other", "1"))
      guard case .changes(let changes, let version) = await stream.next() else { throw Bench.Unexpected(description: "no bookmark") }
      #expect(changes.isEmpty && !version.isEmpty)
      var next = try await bench.watch(.configMaps, ValueRecord.decoder, bench.selection, from: version)
      try await bench.client.create(bench.configMap("a", "1"))
      #expect(try await next.changes(1).count == 1)
      while case .changes = await stream.next() {}
      guard case .streamEnded = await stream.next() else { throw Bench.Unexpected(description: "the watch did not end in order") }
    }
  }

  @Test("R34: apply creates, costs no write where nothing changes, conflicts, and takes by force", arguments: APIServerUnderTest.all)
  func apply(_ server: APIServerUnderTest) async throws {
    try await withBench(server) { bench in
      let created = try await bench.client.apply(bench.configMap("a", "1"), fieldManager: "us")
      let same = try await bench.client.apply(bench.configMap("a", "1"), fieldManager: "us")
      #expect(same.resourceVersion == created.resourceVersion)
      #expect(same == created)
      let changed = try await bench.client.apply(bench.configMap("a", "2"), fieldManager: "us")
      #expect(changed.resourceVersion != created.resourceVersion)
      let conflict = try await status { () async throws(KubeError) in
        try await bench.client.apply(bench.configMap("a", "3"), fieldManager: "them")
      }
      #expect(conflict.isConflict && conflict.causes == ["FieldManagerConflict"])
      let shared = try await bench.client.apply(bench.configMap("a", "2"), fieldManager: "them")
      #expect(shared["data"]?["key"] == "2")
      let forced = try await bench.client.apply(bench.configMap("a", "3"), fieldManager: "them", force: true)
      #expect(forced["data"]?["key"] == "3")
      let lost = try await status { () async throws(KubeError) in
        try await bench.client.apply(bench.configMap("a", "2"), fieldManager: "us")
      }
      #expect(lost.isConflict)
    }
  }

  @Test("R34: an empty map is not kept, and is its manager's all the same", arguments: APIServerUnderTest.all)
  func emptyMaps(_ server: APIServerUnderTest) async throws {
    try await withBench(server) { bench in
      let object = bench.configMap("a", "1", labels: [:])
      let created = try await bench.client.apply(object, fieldManager: "us")
      #expect(created["metadata"]?["labels"] == nil)
      #expect(try await bench.client.apply(object, fieldManager: "us").resourceVersion == created.resourceVersion)
      let conflict = try await status { () async throws(KubeError) in try await bench.client.apply(object, fieldManager: "them") }
      #expect(conflict.isConflict && conflict.causes == ["FieldManagerConflict"] && conflict.message.contains(".metadata.labels"))
      try await bench.client.apply(bench.configMap("a", "1"), fieldManager: "them")
      try await bench.client.apply(object, fieldManager: "them", force: true)
    }
  }

  @Test("writes heed what is there", arguments: APIServerUnderTest.all)
  func optimism(_ server: APIServerUnderTest) async throws {
    try await withBench(server) { bench in
      let client = bench.client
      let created = try await client.create(bench.configMap("a", "1"))
      #expect(try await client.get(.configMaps, name: "a", namespace: bench.namespace) == created)
      let exists = try await status { () async throws(KubeError) in try await client.create(bench.configMap("a", "1")) }
      #expect(exists.isAlreadyExists && !exists.isConflict)
      var next = created
      next["data"] = ["key": "2"]
      let replaced = try await client.replace(next)
      #expect(replaced.resourceVersion != created.resourceVersion)
      #expect(try await client.replace(replaced).resourceVersion == replaced.resourceVersion)
      #expect(try await status { () async throws(KubeError) in try await client.replace(next) }.isConflict)
      for preconditions in [
        DeletePreconditions(uid: "another"), DeletePreconditions(resourceVersion: created.resourceVersion),
      ] {
        let refusal = try await status { () async throws(KubeError) in
          try await client.delete(.configMaps, name: "a", namespace: bench.namespace, preconditions: preconditions)
        }
        #expect(refusal.isConflict)
      }
      let exact = DeletePreconditions(uid: created["metadata"]?["uid"]?.string, resourceVersion: replaced.resourceVersion)
      try await client.delete(.configMaps, name: "a", namespace: bench.namespace, preconditions: exact)
      let gone = try await status { () async throws(KubeError) in
        _ = try await client.get(.configMaps, name: "a", namespace: bench.namespace)
      }
      #expect(gone.isNotFound && gone.reason == "NotFound")
    }
  }

  @Test("what is refused says why", arguments: APIServerUnderTest.all)
  func refusals(_ server: APIServerUnderTest) async throws {
    try await withBench(server) { bench in
      let nowhere = try await status { () async throws(KubeError) in
        try await bench.client.create([
          "apiVersion": "v1", "kind": "ConfigMap", "metadata": ["namespace": "rollcall-conformance-none", "name": "a"],
        ])
      }
      #expect(nowhere.isNotFound && nowhere.reason == "NotFound")
      let invalid = try await status { () async throws(KubeError) in try await bench.client.create(bench.configMap("Not A Name", "")) }
      #expect(invalid.code == 422 && invalid.reason == "Invalid" && invalid.causes == ["FieldValueInvalid"])
      let unknown = APIResource(group: "rollcall.invalid", version: "v1", plural: "things", kind: "Thing", namespaced: true)
      let missing = try await status { () async throws(KubeError) in _ = try await bench.client.list(unknown) }
      #expect(missing.isNotFound)
      let older = try await status { () async throws(KubeError) in
        _ = try await bench.client.send(
          APIRequest(
            method: "GET", path: APIResource.pods.path(namespace: bench.namespace),
            query: [QueryItem("resourceVersion", "1"), QueryItem("continue", "nonsense")], accept: MediaType.either))
      }
      #expect(older.code == 400 && older.reason == "BadRequest")
    }
  }
}
