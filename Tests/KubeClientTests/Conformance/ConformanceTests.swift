import JSON
import TestSupport
import Testing

@testable import KubeClient

/// Behaviour of API servers that the client relies on. The simulator must behave as a real server.
@Suite(.timeLimit(.minutes(5))) struct ConformanceTests {
  private func status(of body: () async throws(KubeError) -> Void) async throws -> APIStatus {
    do throws(KubeError) {
      try await body()
    } catch {
      return try #require(error.status, "\(error)")
    }
    throw Fixture.Unexpected(description: "the request succeeded")
  }

  @Test(arguments: APIServerUnderTest.all)
  func `R02: all pages of a list have one version`(_ server: APIServerUnderTest) async throws {
    try await withFixture(server) { fixture in
      let labels: JSONValue = ["list": "pages"]
      let selection = Selection(namespace: fixture.namespace, labels: "list=pages")
      for index in 0..<5 { try await fixture.client.create(fixture.configMap("object-\(index)", "old", labels: labels)) }
      let first = try await fixture.page(.configMaps, ValueRecord.decoder, selection, limit: 2)
      #expect(first.records.map(\.key.name) == ["object-0", "object-1"])
      try await fixture.client.create(fixture.configMap("object-25", "new", labels: labels))
      try await fixture.client.replace(fixture.configMap("object-3", "new", labels: labels))
      try await fixture.delete(.configMaps, "object-4")
      let second = try await fixture.page(.configMaps, ValueRecord.decoder, selection, limit: 2, continue: first.continueToken)
      #expect(second.records.map(\.key.name) == ["object-2", "object-3"])
      #expect(second.records.map(\.value) == ["old", "old"])
      #expect(second.resourceVersion == first.resourceVersion)
      let last = try await fixture.page(.configMaps, ValueRecord.decoder, selection, limit: 2, continue: second.continueToken)
      #expect(last.records.map(\.key.name) == ["object-4"])
      #expect(last.resourceVersion == first.resourceVersion && last.continueToken == nil)
      let now = try await fixture.client.list(.configMaps, selection)
      #expect(now.items.compactMap(\.name) == ["object-0", "object-1", "object-2", "object-25", "object-3"])
      #expect(now.resourceVersion != first.resourceVersion)
    }
  }

  @Test(arguments: APIServerUnderTest.all)
  func `a watch reports the changes after its version that its selector matches`(_ server: APIServerUnderTest) async throws {
    try await withFixture(server) { fixture in
      let selection = Selection(namespace: fixture.namespace, labels: "tier=web")
      try await fixture.client.create(fixture.configMap("before", "", labels: ["tier": "web"]))
      let list = try await fixture.client.list(.configMaps, selection)
      var stream = try await fixture.watch(.configMaps, ValueRecord.decoder, selection, from: list.resourceVersion)
      func key(_ name: String) -> ObjectKey { ObjectKey(namespace: fixture.namespace, name: name) }
      func put(_ object: JSONValue, _ value: String) -> RecordChange<ValueRecord> {
        .put(ValueRecord(key: key(object.name ?? ""), resourceVersion: object.resourceVersion ?? "", value: value))
      }
      let created = try await fixture.client.create(fixture.configMap("a", "1", labels: ["tier": "web"]))
      let changed = try await fixture.client.replace(fixture.configMap("a", "2", labels: ["tier": "web"]))
      try await fixture.client.create(fixture.configMap("other", "1"))
      try await fixture.client.replace(fixture.configMap("a", "3"))
      let back = try await fixture.client.replace(fixture.configMap("a", "4", labels: ["tier": "web"]))
      try await fixture.delete(.configMaps, "a")
      let changes = try await stream.changes(5)
      #expect(changes == [put(created, "1"), put(changed, "2"), .remove(key("a")), put(back, "4"), .remove(key("a"))])

      // From a version in between.
      var later = try await fixture.watch(.configMaps, ValueRecord.decoder, selection, from: changed.resourceVersion ?? "")
      let rest = try await later.changes(3)
      #expect(rest == [.remove(key("a")), put(back, "4"), .remove(key("a"))])
    }
  }

  @Test(arguments: APIServerUnderTest.all)
  func `R06, R03: a list, a page and a watch of a compacted version respond 410`(_ server: APIServerUnderTest) async throws {
    try await withFixture(server) { fixture in
      fixture.forgetHistory()
      // The format of continue tokens: k8s.io/apiserver/pkg/storage/continue.go.
      let token = "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiJhXHUwMDAwIn0"
      let page = APIRequest.list(.configMaps, fixture.selection, limit: 1, continue: token)
      let exact = APIRequest(
        method: "GET", path: APIResource.configMaps.path(namespace: fixture.namespace),
        query: [QueryItem("resourceVersion", "1"), QueryItem("resourceVersionMatch", "Exact")])
      try await withKnownIssue("a real API server that is only minutes old has compacted nothing yet", isIntermittent: fixture.isReal) {
        for request in [page, exact] {
          let refusal = try await status { () async throws(KubeError) in _ = try await fixture.client.send(request) }
          #expect(refusal.code == 410 && refusal.reason == "Expired" && refusal.isExpired)
        }
        // Only Events are watched in etcd directly. For other resources the watch cache may have older versions.
        let decoder = RecordDecoder<ValueRecord>(kind: "Event") { _ in
          ValueRecord(key: ObjectKey(name: "a"), resourceVersion: "", value: "")
        }
        var stream = try await fixture.watch(.events, decoder, .all, from: "1")
        guard case .failed(.status(let refusal)) = await stream.next() else { throw Fixture.Unexpected(description: "the watch continues") }
        #expect(refusal.code == 410 && refusal.isExpired)
      } when: {
        fixture.isReal
      }
    }
  }

  @Test(arguments: APIServerUnderTest.all)
  func `R05: a bookmark arrives before the watch ends, and a watch can start from its version`(_ server: APIServerUnderTest) async throws {
    try await withFixture(server) { fixture in
      let none = Selection(namespace: fixture.namespace, labels: "chosen=yes")
      let list = try await fixture.client.list(.configMaps, none)
      var stream = try await fixture.watch(.configMaps, ValueRecord.decoder, none, from: list.resourceVersion, timeoutSeconds: 5)
      // A real API server sends no bookmark if nothing changes at all.
      try await fixture.client.create(fixture.configMap("other", "1"))
      guard case .changes(let changes, let version) = await stream.next() else { throw Fixture.Unexpected(description: "no bookmark") }
      #expect(changes.isEmpty && !version.isEmpty)
      var next = try await fixture.watch(.configMaps, ValueRecord.decoder, fixture.selection, from: version)
      try await fixture.client.create(fixture.configMap("a", "1"))
      #expect(try await next.changes(1).count == 1)
      while case .changes = await stream.next() {}
      guard case .streamEnded = await stream.next() else { throw Fixture.Unexpected(description: "the watch did not end cleanly") }
    }
  }

  @Test(arguments: APIServerUnderTest.all)
  func `R34: apply creates, writes only changes, conflicts, and can be forced`(_ server: APIServerUnderTest) async throws {
    try await withFixture(server) { fixture in
      let created = try await fixture.client.apply(fixture.configMap("a", "1"), fieldManager: "us")
      let same = try await fixture.client.apply(fixture.configMap("a", "1"), fieldManager: "us")
      #expect(same.resourceVersion == created.resourceVersion)
      #expect(same == created)
      let changed = try await fixture.client.apply(fixture.configMap("a", "2"), fieldManager: "us")
      #expect(changed.resourceVersion != created.resourceVersion)
      let conflict = try await status { () async throws(KubeError) in
        try await fixture.client.apply(fixture.configMap("a", "3"), fieldManager: "them")
      }
      #expect(conflict.isConflict && conflict.causes == ["FieldManagerConflict"])
      let shared = try await fixture.client.apply(fixture.configMap("a", "2"), fieldManager: "them")
      #expect(shared["data"]?["key"] == "2")
      let forced = try await fixture.client.apply(fixture.configMap("a", "3"), fieldManager: "them", force: true)
      #expect(forced["data"]?["key"] == "3")
      let lost = try await status { () async throws(KubeError) in
        try await fixture.client.apply(fixture.configMap("a", "2"), fieldManager: "us")
      }
      #expect(lost.isConflict)
    }
  }

  @Test(arguments: APIServerUnderTest.all)
  func `R34: an empty map is not stored, but has an owner`(_ server: APIServerUnderTest) async throws {
    try await withFixture(server) { fixture in
      let object = fixture.configMap("a", "1", labels: [:])
      let created = try await fixture.client.apply(object, fieldManager: "us")
      #expect(created["metadata"]?["labels"] == nil)
      #expect(try await fixture.client.apply(object, fieldManager: "us").resourceVersion == created.resourceVersion)
      let conflict = try await status { () async throws(KubeError) in try await fixture.client.apply(object, fieldManager: "them") }
      #expect(conflict.isConflict && conflict.causes == ["FieldManagerConflict"] && conflict.message.contains(".metadata.labels"))
      try await fixture.client.apply(fixture.configMap("a", "1"), fieldManager: "them")
      try await fixture.client.apply(object, fieldManager: "them", force: true)
    }
  }

  @Test(arguments: APIServerUnderTest.all)
  func `writes check the stored version`(_ server: APIServerUnderTest) async throws {
    try await withFixture(server) { fixture in
      let client = fixture.client
      let created = try await client.create(fixture.configMap("a", "1"))
      #expect(try await client.get(.configMaps, name: "a", namespace: fixture.namespace) == created)
      let exists = try await status { () async throws(KubeError) in try await client.create(fixture.configMap("a", "1")) }
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
          try await client.delete(.configMaps, name: "a", namespace: fixture.namespace, preconditions: preconditions)
        }
        #expect(refusal.isConflict)
      }
      let exact = DeletePreconditions(uid: created["metadata"]?["uid"]?.string, resourceVersion: replaced.resourceVersion)
      try await client.delete(.configMaps, name: "a", namespace: fixture.namespace, preconditions: exact)
      let gone = try await status { () async throws(KubeError) in
        _ = try await client.get(.configMaps, name: "a", namespace: fixture.namespace)
      }
      #expect(gone.isNotFound && gone.reason == "NotFound")
    }
  }

  @Test(arguments: APIServerUnderTest.all)
  func `refusals have a reason`(_ server: APIServerUnderTest) async throws {
    try await withFixture(server) { fixture in
      let nowhere = try await status { () async throws(KubeError) in
        try await fixture.client.create([
          "apiVersion": "v1", "kind": "ConfigMap", "metadata": ["namespace": "rollcall-conformance-none", "name": "a"],
        ])
      }
      #expect(nowhere.isNotFound && nowhere.reason == "NotFound")
      let invalid = try await status { () async throws(KubeError) in try await fixture.client.create(fixture.configMap("Not A Name", "")) }
      #expect(invalid.code == 422 && invalid.reason == "Invalid" && invalid.causes == ["FieldValueInvalid"])
      let unknown = APIResource(group: "rollcall.invalid", version: "v1", plural: "things", kind: "Thing", namespaced: true)
      let missing = try await status { () async throws(KubeError) in _ = try await fixture.client.list(unknown) }
      #expect(missing.isNotFound)
      let older = try await status { () async throws(KubeError) in
        _ = try await fixture.client.send(
          APIRequest(
            method: "GET", path: APIResource.pods.path(namespace: fixture.namespace),
            query: [QueryItem("resourceVersion", "1"), QueryItem("continue", "nonsense")], accept: MediaType.either))
      }
      #expect(older.code == 400 && older.reason == "BadRequest")
    }
  }
}
