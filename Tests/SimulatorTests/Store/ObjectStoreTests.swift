import Foundation
import JSON
import Testing

@testable import Simulator

@Suite struct ObjectStoreTests {
  private let configMaps = ResourceTable.configMaps
  private let pods = ResourceTable.pods

  @Test func createCompletesTheMetadata() throws {
    var store = makeStore()
    let stored = try store.create(configMap("a"), kind: configMaps, namespace: "default", context: context())
    let object = try stored.decoded(as: configMaps)
    #expect(object["metadata"]?["creationTimestamp"] == "2023-11-14T22:13:20Z")
    #expect(object.resourceVersion == String(store.version))
    #expect(UUID(uuidString: object.uid) != nil)
    #expect(object["kind"] == "ConfigMap")
  }

  @Test func generatedNamesDiffer() throws {
    var store = makeStore()
    let prefix: JSONValue = ["metadata": ["generateName": "job-"]]
    let first = try store.create(prefix, kind: configMaps, namespace: "default", context: context())
    let second = try store.create(prefix, kind: configMaps, namespace: "default", context: context())
    #expect(first.name.hasPrefix("job-") && first.name.count == 9)
    #expect(first.name != second.name)
  }

  @Test func createRefusesWhatExistsAndWhatHasNoNamespace() throws {
    var store = makeStore()
    _ = try store.create(configMap("a"), kind: configMaps, namespace: "default", context: context())
    #expect(throws: APIFailure.alreadyExists(configMaps, "a")) {
      try store.create(configMap("a"), kind: configMaps, namespace: "default", context: context())
    }
    #expect(throws: APIFailure.notFound(ResourceTable.namespaces, "nowhere")) {
      try store.create(configMap("a", namespace: "nowhere"), kind: configMaps, namespace: "nowhere", context: context())
    }
  }

  @Test(arguments: ["Upper", "under_score", "-a", "a.", String(repeating: "a", count: 254), ""])
  func invalidNamesAreRefused(name: String) throws {
    var store = makeStore()
    let failure = #expect(throws: APIFailure.self) {
      try store.create(configMap(name), kind: configMaps, namespace: "default", context: context())
    }
    #expect(failure?.code == 422 && failure?.reason == "Invalid")
    #expect(failure?.details["causes"]?[0]?["field"] == "metadata.name")
  }

  @Test(arguments: ["with space", String(repeating: "a", count: 64), "-a", "a/b"])
  func invalidLabelValuesAreRefused(value: String) throws {
    var store = makeStore()
    let failure = #expect(throws: APIFailure.self) {
      try store.create(configMap("a", labels: ["key": .string(value)]), kind: configMaps, namespace: "default", context: context())
    }
    #expect(failure?.code == 422)
  }

  @Test func replaceChecksTheVersion() throws {
    var store = makeStore()
    var object = try store.create(configMap("a"), kind: configMaps, namespace: "default", context: context()).decoded(as: configMaps)
    object["data"] = ["x": "1"]
    let replaced = try store.replace(object, kind: configMaps, namespace: "default", name: "a", context: context())
    #expect(replaced.version == store.version)
    object["data"] = ["x": "2"]
    let failure = #expect(throws: APIFailure.self) {
      try store.replace(object, kind: configMaps, namespace: "default", name: "a", context: context())
    }
    #expect(failure?.code == 409 && failure?.reason == "Conflict")
    object.setMetadata("resourceVersion", nil)
    _ = try store.replace(object, kind: configMaps, namespace: "default", name: "a", context: context())
  }

  @Test func aWriteThatChangesNothingKeepsTheVersion() throws {
    var store = makeStore()
    let first = try store.create(configMap("a", data: ["x": "1"]), kind: configMaps, namespace: "default", context: context())
    let again = try store.replace(
      configMap("a", data: ["x": "1"]), kind: configMaps, namespace: "default", name: "a", context: context(after: 60))
    #expect(again.version == first.version)
    #expect(store.version == first.version)
  }

  @Test func statusAndObjectAreWrittenApart() throws {
    var store = makeStore()
    let created = try store.create(pod("a"), kind: pods, namespace: "default", context: context()).decoded(as: pods)
    #expect(created["status"] == ["phase": "Pending"])

    var status = pod("a")
    status["spec"] = ["nodeName": "elsewhere"]
    let running = try store.replace(status, kind: pods, namespace: "default", name: "a", context: context(part: .status)).decoded(as: pods)
    #expect(running["status"]?["phase"] == "Running")
    #expect(running["spec"]?["nodeName"] == "node-1")

    let replaced = try store.replace(pod("a", phase: "Failed"), kind: pods, namespace: "default", name: "a", context: context())
    #expect(try replaced.decoded(as: pods)["status"]?["phase"] == "Running")
  }

  @Test func deletePreconditions() throws {
    var store = makeStore()
    let stored = try store.create(configMap("a"), kind: configMaps, namespace: "default", context: context())
    for preconditions in [DeletePreconditions(uid: "other"), DeletePreconditions(resourceVersion: "1")] {
      let failure = #expect(throws: APIFailure.self) {
        try store.delete(configMaps, namespace: "default", name: "a", preconditions: preconditions, context: context())
      }
      #expect(failure?.code == 409)
    }
    let preconditions = DeletePreconditions(uid: stored.uid, resourceVersion: String(stored.version))
    let (last, isGone) = try store.delete(configMaps, namespace: "default", name: "a", preconditions: preconditions, context: context())
    #expect(isGone && last.version == store.version)
    #expect(throws: APIFailure.notFound(configMaps, "a")) {
      try store.delete(configMaps, namespace: "default", name: "a", context: context())
    }
  }

  @Test func finalizersHoldADeletion() throws {
    var store = makeStore()
    var object = configMap("a")
    object.setMetadata("finalizers", ["example.com/held"])
    _ = try store.create(object, kind: configMaps, namespace: "default", context: context())
    let (marked, isGone) = try store.delete(configMaps, namespace: "default", name: "a", context: context(after: 1))
    #expect(!isGone)
    #expect(try marked.decoded(as: configMaps)["metadata"]?["deletionTimestamp"] == "2023-11-14T22:13:21Z")
    object.setMetadata("finalizers", [])
    _ = try store.replace(object, kind: configMaps, namespace: "default", name: "a", context: context())
    #expect(store.object(configMaps, namespace: "default", name: "a") == nil)
  }

  @Test func aPodThatIsEndingStays() throws {
    var store = makeStore()
    _ = try store.put(pod("a"), kind: pods, context: context(nil, part: .everything))
    var ending = pod("a")
    ending.setMetadata("deletionTimestamp", "2023-11-14T22:00:00Z")
    _ = try store.put(ending, kind: pods, context: context(nil, part: .everything))
    let updated = try store.replace(pod("a", phase: "Failed"), kind: pods, namespace: "default", name: "a", context: context(part: .status))
    #expect(try updated.decoded(as: pods)["metadata"]?["deletionTimestamp"] == "2023-11-14T22:00:00Z")
    #expect(store.object(pods, namespace: "default", name: "a") != nil)
  }

  @Test func aNamespaceGoesWithItsContents() throws {
    var store = makeStore()
    _ = try store.create(configMap("a", namespace: "other"), kind: configMaps, namespace: "other", context: context())
    _ = try store.create(configMap("a"), kind: configMaps, namespace: "default", context: context())
    _ = try store.delete(ResourceTable.namespaces, namespace: "", name: "other", context: context())
    #expect(store.object(configMaps, namespace: "other", name: "a") == nil)
    #expect(store.object(configMaps, namespace: "default", name: "a") != nil)
  }

  @Test func generationsCountChangesOfTheSpecification() throws {
    let slices = ResourceTable.endpointSlices
    var store = makeStore()
    _ = try store.create(slice("a", addresses: ["10.0.0.1"]), kind: slices, namespace: "default", context: context())
    var labelled = slice("a", addresses: ["10.0.0.1"])
    labelled["metadata"]?["labels"]?["x"] = "y"
    let relabelled = try store.replace(labelled, kind: slices, namespace: "default", name: "a", context: context())
    #expect(try relabelled.decoded(as: slices)["metadata"]?["generation"] == 1)
    let changed = try store.replace(
      slice("a", addresses: ["10.0.0.2"]), kind: slices, namespace: "default", name: "a", context: context())
    #expect(try changed.decoded(as: slices)["metadata"]?["generation"] == 2)
  }

  @Test func puttingKeepsStatusAndMakesTheNamespace() throws {
    var store = makeStore()
    let stored = try store.put(pod("a", namespace: "new"), kind: pods, context: context(nil, part: .everything))
    #expect(try stored.decoded(as: pods)["status"]?["phase"] == "Running")
    let again = try store.put(pod("a", namespace: "new", phase: "Failed"), kind: pods, context: context(nil, part: .everything))
    #expect(again.uid == stored.uid)
    #expect(try again.decoded(as: pods)["status"]?["phase"] == "Failed")
  }
}
