import Foundation
import JSON
import Testing

@testable import Simulator

@Suite struct ObjectStoreTests {
  private let configMaps = ResourceTable.configMaps
  private let pods = ResourceTable.pods

  @Test func `create sets UID, timestamp, version and kind`() throws {
    var store = Sample.store()
    let stored = try store.create(Sample.configMap("a"), kind: configMaps, namespace: "default", context: Sample.context())
    let object = try stored.decoded(as: configMaps)
    #expect(object["metadata"]?["creationTimestamp"] == "2023-11-14T22:13:20Z")
    #expect(object.resourceVersion == String(store.version))
    #expect(UUID(uuidString: object.uid) != nil)
    #expect(object["kind"] == "ConfigMap")
  }

  @Test func `pruned fields are dropped by every kind of write`() throws {
    var store = Sample.store()
    store.prune([["data", "secret"], ["missing", "member"]], of: configMaps)
    let object = Sample.configMap("a", data: ["secret": "1", "kept": "2"])
    let context = Sample.context()
    let kept: JSONValue = ["kept": "2"]
    #expect(try store.create(object, kind: configMaps, namespace: "default", context: context).decoded(as: configMaps)["data"] == kept)
    #expect(
      try store.replace(object, kind: configMaps, namespace: "default", name: "a", context: context).decoded(as: configMaps)["data"]
        == kept)
    let applied = try store.apply(object, kind: configMaps, namespace: "default", name: "a", force: true, context: context)
    #expect(try applied.object.decoded(as: configMaps)["data"] == kept)
    store.prune([], of: configMaps)
    let whole = try store.replace(object, kind: configMaps, namespace: "default", name: "a", context: context)
    #expect(try whole.decoded(as: configMaps)["data"] == ["secret": "1", "kept": "2"])
  }

  @Test func `generateName gives unique names`() throws {
    var store = Sample.store()
    let prefix: JSONValue = ["metadata": ["generateName": "job-"]]
    let first = try store.create(prefix, kind: configMaps, namespace: "default", context: Sample.context())
    let second = try store.create(prefix, kind: configMaps, namespace: "default", context: Sample.context())
    #expect(first.name.hasPrefix("job-") && first.name.count == 9)
    #expect(first.name != second.name)
  }

  @Test func `create rejects an existing object and a missing namespace`() throws {
    var store = Sample.store()
    _ = try store.create(Sample.configMap("a"), kind: configMaps, namespace: "default", context: Sample.context())
    #expect(throws: APIFailure.alreadyExists(configMaps, "a")) {
      try store.create(Sample.configMap("a"), kind: configMaps, namespace: "default", context: Sample.context())
    }
    #expect(throws: APIFailure.notFound(ResourceTable.namespaces, "nowhere")) {
      try store.create(Sample.configMap("a", namespace: "nowhere"), kind: configMaps, namespace: "nowhere", context: Sample.context())
    }
  }

  @Test(arguments: ["Upper", "under_score", "-a", "a.", String(repeating: "a", count: 254), ""])
  func `invalid names are rejected`(name: String) throws {
    var store = Sample.store()
    let failure = #expect(throws: APIFailure.self) {
      try store.create(Sample.configMap(name), kind: configMaps, namespace: "default", context: Sample.context())
    }
    #expect(failure?.code == 422 && failure?.reason == "Invalid")
    #expect(failure?.details["causes"]?[0]?["field"] == "metadata.name")
  }

  @Test(arguments: ["with space", String(repeating: "a", count: 64), "-a", "a/b"])
  func `invalid label values are rejected`(value: String) throws {
    var store = Sample.store()
    let failure = #expect(throws: APIFailure.self) {
      try store.create(
        Sample.configMap("a", labels: ["key": .string(value)]), kind: configMaps, namespace: "default", context: Sample.context())
    }
    #expect(failure?.code == 422)
  }

  @Test func `replace rejects an outdated resourceVersion`() throws {
    var store = Sample.store()
    var object = try store.create(Sample.configMap("a"), kind: configMaps, namespace: "default", context: Sample.context()).decoded(
      as: configMaps)
    object["data"] = ["x": "1"]
    let replaced = try store.replace(object, kind: configMaps, namespace: "default", name: "a", context: Sample.context())
    #expect(replaced.version == store.version)
    object["data"] = ["x": "2"]
    let failure = #expect(throws: APIFailure.self) {
      try store.replace(object, kind: configMaps, namespace: "default", name: "a", context: Sample.context())
    }
    #expect(failure?.code == 409 && failure?.reason == "Conflict")
    object.setMetadata("resourceVersion", nil)
    _ = try store.replace(object, kind: configMaps, namespace: "default", name: "a", context: Sample.context())
  }

  @Test func `a write without a change keeps the version`() throws {
    var store = Sample.store()
    let first = try store.create(Sample.configMap("a", data: ["x": "1"]), kind: configMaps, namespace: "default", context: Sample.context())
    let again = try store.replace(
      Sample.configMap("a", data: ["x": "1"]), kind: configMaps, namespace: "default", name: "a", context: Sample.context(after: 60))
    #expect(again.version == first.version)
    #expect(store.version == first.version)
  }

  @Test func `object and status are written separately`() throws {
    var store = Sample.store()
    let created = try store.create(Sample.pod("a"), kind: pods, namespace: "default", context: Sample.context()).decoded(as: pods)
    #expect(created["status"] == ["phase": "Pending"])

    var status = Sample.pod("a")
    status["spec"] = ["nodeName": "elsewhere"]
    let running = try store.replace(status, kind: pods, namespace: "default", name: "a", context: Sample.context(part: .status)).decoded(
      as: pods)
    #expect(running["status"]?["phase"] == "Running")
    #expect(running["spec"]?["nodeName"] == "node-1")

    let replaced = try store.replace(
      Sample.pod("a", phase: "Failed"), kind: pods, namespace: "default", name: "a", context: Sample.context())
    #expect(try replaced.decoded(as: pods)["status"]?["phase"] == "Running")
  }

  @Test func `delete checks its preconditions`() throws {
    var store = Sample.store()
    let stored = try store.create(Sample.configMap("a"), kind: configMaps, namespace: "default", context: Sample.context())
    for preconditions in [DeletePreconditions(uid: "other"), DeletePreconditions(resourceVersion: "1")] {
      let failure = #expect(throws: APIFailure.self) {
        try store.delete(configMaps, namespace: "default", name: "a", preconditions: preconditions, context: Sample.context())
      }
      #expect(failure?.code == 409)
    }
    let preconditions = DeletePreconditions(uid: stored.uid, resourceVersion: String(stored.version))
    let (last, isGone) = try store.delete(
      configMaps, namespace: "default", name: "a", preconditions: preconditions, context: Sample.context())
    #expect(isGone && last.version == store.version)
    #expect(throws: APIFailure.notFound(configMaps, "a")) {
      try store.delete(configMaps, namespace: "default", name: "a", context: Sample.context())
    }
  }

  @Test func `finalizers block a deletion`() throws {
    var store = Sample.store()
    var object = Sample.configMap("a")
    object.setMetadata("finalizers", ["example.com/held"])
    _ = try store.create(object, kind: configMaps, namespace: "default", context: Sample.context())
    let (marked, isGone) = try store.delete(configMaps, namespace: "default", name: "a", context: Sample.context(after: 1))
    #expect(!isGone)
    #expect(try marked.decoded(as: configMaps)["metadata"]?["deletionTimestamp"] == "2023-11-14T22:13:21Z")
    object.setMetadata("finalizers", [])
    _ = try store.replace(object, kind: configMaps, namespace: "default", name: "a", context: Sample.context())
    #expect(store.object(configMaps, namespace: "default", name: "a") == nil)
  }

  @Test func `a terminating pod stays until it is deleted`() throws {
    var store = Sample.store()
    _ = try store.put(Sample.pod("a"), kind: pods, context: Sample.context(nil, part: .everything))
    var ending = Sample.pod("a")
    ending.setMetadata("deletionTimestamp", "2023-11-14T22:00:00Z")
    _ = try store.put(ending, kind: pods, context: Sample.context(nil, part: .everything))
    let updated = try store.replace(
      Sample.pod("a", phase: "Failed"), kind: pods, namespace: "default", name: "a", context: Sample.context(part: .status))
    #expect(try updated.decoded(as: pods)["metadata"]?["deletionTimestamp"] == "2023-11-14T22:00:00Z")
    #expect(store.object(pods, namespace: "default", name: "a") != nil)
  }

  @Test func `deleting a namespace deletes its objects`() throws {
    var store = Sample.store()
    _ = try store.create(Sample.configMap("a", namespace: "other"), kind: configMaps, namespace: "other", context: Sample.context())
    _ = try store.create(Sample.configMap("a"), kind: configMaps, namespace: "default", context: Sample.context())
    _ = try store.delete(ResourceTable.namespaces, namespace: "", name: "other", context: Sample.context())
    #expect(store.object(configMaps, namespace: "other", name: "a") == nil)
    #expect(store.object(configMaps, namespace: "default", name: "a") != nil)
  }

  @Test func `the generation counts changes of the specification`() throws {
    let slices = ResourceTable.endpointSlices
    var store = Sample.store()
    _ = try store.create(Sample.slice("a", addresses: ["10.0.0.1"]), kind: slices, namespace: "default", context: Sample.context())
    var labelled = Sample.slice("a", addresses: ["10.0.0.1"])
    labelled["metadata"]?["labels"]?["x"] = "y"
    let relabelled = try store.replace(labelled, kind: slices, namespace: "default", name: "a", context: Sample.context())
    #expect(try relabelled.decoded(as: slices)["metadata"]?["generation"] == 1)
    let changed = try store.replace(
      Sample.slice("a", addresses: ["10.0.0.2"]), kind: slices, namespace: "default", name: "a", context: Sample.context())
    #expect(try changed.decoded(as: slices)["metadata"]?["generation"] == 2)
  }

  @Test func `put keeps the status and creates the namespace`() throws {
    var store = Sample.store()
    let stored = try store.put(Sample.pod("a", namespace: "new"), kind: pods, context: Sample.context(nil, part: .everything))
    #expect(try stored.decoded(as: pods)["status"]?["phase"] == "Running")
    let again = try store.put(
      Sample.pod("a", namespace: "new", phase: "Failed"), kind: pods, context: Sample.context(nil, part: .everything))
    #expect(again.uid == stored.uid)
    #expect(try again.decoded(as: pods)["status"]?["phase"] == "Failed")
  }
}
