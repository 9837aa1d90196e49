import JSON
import Testing

@testable import Simulator

@Suite struct WatchingTests {
  private let kind = ResourceTable.configMaps

  private func changes(_ store: inout ObjectStore, after version: UInt64, labels: String = "") throws -> [String] {
    let selector = Selector(labels: try LabelSelector(labels))
    return try store.changes(kind, selector: selector, after: version, limit: 100).events.map { "\($0.kind.rawValue) \($0.object.name)" }
  }

  @Test func `changes are sent in order`() throws {
    var store = Sample.store()
    let start = store.version
    _ = try store.create(Sample.configMap("a"), kind: kind, namespace: "default", context: Sample.context())
    _ = try store.create(Sample.configMap("b"), kind: kind, namespace: "default", context: Sample.context())
    _ = try store.replace(Sample.configMap("a", data: ["x": "1"]), kind: kind, namespace: "default", name: "a", context: Sample.context())
    _ = try store.delete(kind, namespace: "default", name: "b", context: Sample.context())
    #expect(try changes(&store, after: start) == ["ADDED a", "ADDED b", "MODIFIED a", "DELETED b"])
    #expect(try changes(&store, after: store.version).isEmpty)
    #expect(try changes(&store, after: store.version + 10).isEmpty, "a version yet to come is waited for")
  }

  @Test func `objects that start or stop matching are added or deleted`() throws {
    var store = Sample.store()
    let start = store.version
    _ = try store.create(Sample.configMap("a"), kind: kind, namespace: "default", context: Sample.context())
    _ = try store.replace(
      Sample.configMap("a", labels: ["on": "yes"], data: ["x": "1"]), kind: kind, namespace: "default", name: "a", context: Sample.context()
    )
    _ = try store.replace(
      Sample.configMap("a", labels: ["on": "yes"], data: ["x": "2"]), kind: kind, namespace: "default", name: "a", context: Sample.context()
    )
    _ = try store.replace(Sample.configMap("a", data: ["x": "3"]), kind: kind, namespace: "default", name: "a", context: Sample.context())
    _ = try store.delete(kind, namespace: "default", name: "a", context: Sample.context())
    #expect(try changes(&store, after: start, labels: "on=yes") == ["ADDED a", "MODIFIED a", "DELETED a"])

    let selector = Selector(labels: try LabelSelector("on"))
    let last = try #require(try store.changes(kind, selector: selector, after: start, limit: 100).events.last)
    // The last matching state, with the version of the change.
    #expect(try last.object.decoded(as: kind)["data"] == ["x": "2"])
    #expect(last.object.version > start + 3)
  }

  @Test func `a watch from a dropped version expires`() throws {
    var store = Sample.store(eventHistory: 3)
    let start = store.version
    for name in ["a", "b", "c", "d"] {
      _ = try store.create(Sample.configMap(name), kind: kind, namespace: "default", context: Sample.context())
    }
    let failure = #expect(throws: APIFailure.self) { try changes(&store, after: start) }
    #expect(failure?.code == 410 && failure?.reason == "Expired")
    #expect(try changes(&store, after: start + 1) == ["ADDED b", "ADDED c", "ADDED d"])
  }

  @Test func `compaction expires watches of kinds without objects`() throws {
    var store = Sample.store()
    let start = store.version
    _ = try store.create(Sample.configMap("a"), kind: kind, namespace: "default", context: Sample.context())
    store.compact()
    for kind in [ResourceTable.configMaps, ResourceTable.leases] {
      #expect(throws: APIFailure.self) { try store.changes(kind, selector: Selector(), after: start, limit: 10) }
    }
    #expect(try changes(&store, after: store.version).isEmpty)
  }

  @Test(arguments: [("", nil, 2), ("0", nil, 2), ("5", nil, 0), ("", false, 0), ("5", true, 2)] as [(String, Bool?, Int)])
  func `the initial events of a watch`(version: String, sendsInitialEvents: Bool?, count: Int) throws {
    var store = Sample.store()
    for name in ["a", "b"] { _ = try store.create(Sample.configMap(name), kind: kind, namespace: "default", context: Sample.context()) }
    let start = try store.startWatch(kind, selector: Selector(), from: version, sendsInitialEvents: sendsInitialEvents)
    #expect(start.initial.count == count)
    #expect(start.version == (count == 0 && version == "5" ? 5 : store.version))
  }

  @Test func `a batch continues after the previous one`() throws {
    var store = Sample.store()
    var version = store.version
    for index in 0..<25 {
      _ = try store.create(Sample.configMap("c-\(index)"), kind: kind, namespace: "default", context: Sample.context())
    }
    var seen: [String] = []
    while version < store.version {
      let (events, reached) = try store.changes(kind, selector: Selector(), after: version, limit: 10)
      seen += events.map(\.object.name)
      version = reached
    }
    #expect(seen == (0..<25).map { "c-\($0)" })
  }
}
