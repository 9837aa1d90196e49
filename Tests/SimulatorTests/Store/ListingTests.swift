import JSON
import Testing

@testable import Simulator

@Suite struct ListingTests {
  private let kind = ResourceTable.configMaps

  private func filled(_ count: Int = 10, eventHistory: Int = 100) throws -> ObjectStore {
    var store = Sample.store(eventHistory: eventHistory)
    for index in 0..<count {
      _ = try store.create(Sample.configMap("c-\(index)"), kind: kind, namespace: "default", context: Sample.context())
    }
    return store
  }

  private func page(_ store: inout ObjectStore, _ change: (inout ListOptions) -> Void) throws -> ListPage {
    var options = ListOptions()
    change(&options)
    return try store.list(kind, options)
  }

  @Test func `all pages of a list show the same version`() throws {
    var store = try filled()
    let first = try page(&store) { $0.limit = 4 }
    #expect(first.items.map(\.name) == ["c-0", "c-1", "c-2", "c-3"])
    #expect(first.remaining == 6)
    // A change, a deletion and a creation after the version of the list.
    _ = try store.replace(
      Sample.configMap("c-5", data: ["new": "1"]), kind: kind, namespace: "default", name: "c-5", context: Sample.context())
    _ = try store.delete(kind, namespace: "default", name: "c-6", context: Sample.context())
    _ = try store.create(Sample.configMap("c-55"), kind: kind, namespace: "default", context: Sample.context())

    let second = try page(&store) {
      $0.limit = 4
      $0.continuation = first.continuation
    }
    #expect(second.version == first.version)
    #expect(second.items.map(\.name) == ["c-4", "c-5", "c-6", "c-7"])
    #expect(try second.items[1].decoded(as: kind)["data"] == nil)
    let third = try page(&store) {
      $0.limit = 4
      $0.continuation = second.continuation
    }
    #expect(third.items.map(\.name) == ["c-8", "c-9"])
    #expect(third.continuation.isEmpty && third.remaining == nil)
  }

  @Test func `an expired continue token comes with one for the newest version`() throws {
    var store = try filled()
    let first = try page(&store) { $0.limit = 4 }
    _ = try store.delete(kind, namespace: "default", name: "c-4", context: Sample.context())
    store.compact()
    let failure = #expect(throws: APIFailure.self) {
      try page(&store) { $0.continuation = first.continuation }
    }
    #expect(failure?.code == 410 && failure?.reason == "Expired")
    let rest = try page(&store) { $0.continuation = failure?.continuation ?? "" }
    #expect(rest.items.map(\.name) == ["c-5", "c-6", "c-7", "c-8", "c-9"])
  }

  @Test func `a continue token expires when the event history is full`() throws {
    var store = try filled(3, eventHistory: 5)
    let first = try page(&store) { $0.limit = 1 }
    for change in 0..<7 {
      _ = try store.replace(
        Sample.configMap("c-0", data: ["x": .integer(Int64(change))]), kind: kind, namespace: "default", name: "c-0",
        context: Sample.context())
    }
    #expect(throws: APIFailure.self) { try page(&store) { $0.continuation = first.continuation } }
  }

  @Test func `resourceVersion and resourceVersionMatch of a list`() throws {
    var store = try filled(3)
    let old = store.version
    _ = try store.delete(kind, namespace: "default", name: "c-0", context: Sample.context())
    let exact = try page(&store) {
      $0.resourceVersion = String(old)
      $0.match = .exact
    }
    #expect(exact.items.count == 3 && exact.version == old)
    let notOlder = try page(&store) { $0.resourceVersion = String(old) }
    #expect(notOlder.items.count == 2 && notOlder.version == store.version)
    let any = try page(&store) {
      $0.resourceVersion = "0"
      $0.limit = 1
    }
    #expect(any.items.count == 2, "a list at version 0 comes whole")

    let newer = store.version + 1
    let failure = #expect(throws: APIFailure.self) { try page(&store) { $0.resourceVersion = String(newer) } }
    #expect(failure?.code == 504 && failure?.reason == "Timeout")
    #expect(failure?.details["causes"]?[0]?["reason"] == "ResourceVersionTooLarge")
    #expect(throws: APIFailure.self) { try page(&store) { $0.match = .exact } }
    #expect(throws: APIFailure.self) { try page(&store) { $0.resourceVersion = "x" } }
  }

  @Test func `field selectors and namespaces filter a list`() throws {
    var store = Sample.store()
    let pods = ResourceTable.pods
    for (name, namespace, node, phase) in [
      ("a", "default", "n1", "Running"), ("b", "default", "n2", "Succeeded"), ("c", "other", "n1", "Running"),
    ] {
      _ = try store.put(
        Sample.pod(name, namespace: namespace, node: node, phase: phase), kind: pods, context: Sample.context(nil, part: .everything))
    }
    func names(_ fields: String, namespace: String = "") throws -> [String] {
      let selector = Selector(namespace: namespace, fields: try FieldSelector(fields, kind: pods))
      return try store.list(pods, ListOptions(selector: selector)).items.map(\.name)
    }
    #expect(try names("") == ["a", "b", "c"])
    #expect(try names("", namespace: "default") == ["a", "b"])
    #expect(try names("spec.nodeName=n1") == ["a", "c"])
    #expect(try names("spec.nodeName=n1,status.phase!=Succeeded", namespace: "other") == ["c"])
    #expect(try names("metadata.name=b") == ["b"])
    #expect(throws: APIFailure.self) { try names("spec.containers=x") }
  }
}
