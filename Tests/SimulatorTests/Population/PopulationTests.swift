import JSON
import Primitives
import TestSupport
import Testing

@testable import Simulator

@Suite(.ownThread) struct PopulationTests {
  private let population = Population(size: PopulationSize(nodes: 7, podsPerNode: 9), now: Sample.time)

  private func settled() -> ObjectStore {
    var store = ObjectStore(eventHistory: 1_000, namespaces: ["default"] + GeneratedPod.namespaces, now: Sample.time)
    population.populate(&store)
    return store
  }

  @Test func `all objects are different`() throws {
    var store = settled()
    let pods = try store.list(ResourceTable.pods, ListOptions()).items
    let nodes = try store.list(ResourceTable.nodes, ListOptions()).items
    #expect(pods.count == 63 && nodes.count == 7)
    #expect(Set(pods.map(\.uid) + nodes.map(\.uid)).count == 70)
    #expect(Set(pods.map { $0.version }).count == 63)
    let objects = try pods.map { try $0.decoded(as: ResourceTable.pods) }
    #expect(Set(objects.compactMap { $0["status"]?["podIP"]?.string }).count == 63)
    let identifiers = objects.flatMap { $0["status"]?["containerStatuses"]?.array ?? [] }.compactMap { $0["containerID"]?.string }
    #expect(Set(identifiers).count == 126 && identifiers.allSatisfy { $0.utf8.count == 77 })
    let addresses = try nodes.compactMap { try $0.decoded(as: ResourceTable.nodes)["status"]?["addresses"]?[0]?["address"]?.string }
    #expect(Set(addresses).count == 7 && addresses.allSatisfy { $0.hasPrefix("127.") })
  }

  @Test func `the nodes have the operating system that was asked for`() throws {
    for system in ["windows", "linux"] {
      var size = PopulationSize(nodes: 2, podsPerNode: 1)
      size.operatingSystem = system
      var store = ObjectStore(eventHistory: 1_000, namespaces: ["default"] + GeneratedPod.namespaces, now: Sample.time)
      Population(size: size, now: Sample.time).populate(&store)
      for item in try store.list(ResourceTable.nodes, ListOptions()).items {
        let node = try item.decoded(as: ResourceTable.nodes)
        #expect(node["status"]?["nodeInfo"]?["operatingSystem"]?.string == system)
        #expect(node["metadata"]?["labels"]?["kubernetes.io/os"]?.string == system)
      }
    }
  }

  @Test func `the objects are valid`() throws {
    var store = settled()
    for (kind, items) in try [ResourceTable.nodes, ResourceTable.pods].map({ ($0, try store.list($0, ListOptions()).items) }) {
      for item in items {
        let object = try item.decoded(as: kind)
        #expect(MetadataRules.problems(in: object, kind: kind).isEmpty)
        #expect(
          (object.name, object.namespace, object.uid, object.resourceVersion) == (item.name, item.namespace, item.uid, String(item.version))
        )
        #expect(object.labels == item.labels)
      }
    }
  }

  @Test(arguments: [0, 1, 2, 5]) func `protobuf and JSON are equal`(changes: Int) throws {
    var store = settled()
    var random = SplitMix64(seed: 7)
    for _ in 0..<changes * 63 { _ = population.change(in: &store, &random) }
    for item in try store.list(ResourceTable.pods, ListOptions()).items {
      let envelope = ProtobufEnvelope.wrap(item.protobuf, apiVersion: "v1", kind: "Pod")
      #expect(try ProtobufDecoder.object(envelope, as: .pod).withoutZeros == item.decoded(as: ResourceTable.pods).withoutZeros)
      #expect(item.protobufSize == item.protobuf.count)
    }
  }

  @Test(arguments: [6_400, 8_000, 20_000]) func `pods have the configured size`(bytes: Int) throws {
    var store = ObjectStore(eventHistory: 10, namespaces: GeneratedPod.namespaces, now: Sample.time)
    Population(size: PopulationSize(nodes: 1, podsPerNode: 1, podBytes: bytes), now: Sample.time).populate(&store)
    let pod = try #require(try store.list(ResourceTable.pods, ListOptions()).items.first)
    #expect(abs(pod.protobuf.count - bytes) <= 2)
  }

  @Test func `selectors match generated objects`() throws {
    var store = settled()
    var selector = Selector()
    selector.fields = try FieldSelector("spec.nodeName=worker-00003,status.phase=Running", kind: ResourceTable.pods)
    selector.labels = try LabelSelector("app.kubernetes.io/managed-by=Helm")
    #expect(try store.list(ResourceTable.pods, ListOptions(selector: selector)).items.count == 9)
  }

  @Test func `the pages of a list show one version during churn`() throws {
    var store = settled()
    var random = SplitMix64(seed: 1)
    let whole = try store.list(ResourceTable.pods, ListOptions()).items.map { [$0.key, String($0.version)] }
    var read: [[String]] = []
    var options = ListOptions(limit: 10)
    repeat {
      let page = try store.list(ResourceTable.pods, options)
      read += page.items.map { [$0.key, String($0.version)] }
      #expect(page.continuation.isEmpty || page.remaining == whole.count - read.count)
      options.continuation = page.continuation
      for _ in 0..<20 { _ = population.change(in: &store, &random) }
    } while !options.continuation.isEmpty
    #expect(read == whole)
  }

  @Test func `replaying a watch gives the new state`() throws {
    var store = settled()
    let before = try store.list(ResourceTable.pods, ListOptions())
    var random = SplitMix64(seed: 3)
    var expected = 0
    for _ in 0..<300 { expected += population.change(in: &store, &random) }
    var known = Dictionary(uniqueKeysWithValues: before.items.map { ($0.key, $0.version) })
    let (events, _) = try store.changes(ResourceTable.pods, selector: Selector(), after: before.version, limit: 1_000)
    for event in events {
      #expect((known[event.object.key] == nil) == (event.kind == .added))
      known[event.object.key] = event.kind == .deleted ? nil : event.object.version
    }
    let after = try store.list(ResourceTable.pods, ListOptions()).items
    #expect(events.count == expected && Set(events.map(\.kind)) == [.added, .modified, .deleted])
    #expect(known == Dictionary(uniqueKeysWithValues: after.map { ($0.key, $0.version) }))
  }

  @Test func `churn leaves objects alone that a client has changed`() throws {
    var store = settled()
    let pod = try #require(try store.list(ResourceTable.pods, ListOptions()).items.first)
    let kind = ResourceTable.pods
    let changed = try store.modify(kind, namespace: pod.namespace, name: pod.name, context: Sample.context()) { live in
      var object = live
      object.setMetadata("labels", ["mine": "yes"])
      return object
    }
    var random = SplitMix64(seed: 5)
    for _ in 0..<2_000 { _ = population.change(in: &store, &random) }
    #expect(try store.get(kind, namespace: pod.namespace, name: pod.name).version == changed.version)
    #expect(changed.uid == pod.uid && changed.labels == ["mine": "yes"])
  }

  @Test func `exporters get the running containers`() throws {
    var store = settled()
    var random = SplitMix64(seed: 9)
    for _ in 0..<200 { _ = population.change(in: &store, &random) }
    var running: Set<String> = []
    for item in try store.list(ResourceTable.pods, ListOptions()).items {
      for status in try item.decoded(as: ResourceTable.pods)["status"]?["containerStatuses"]?.array ?? []
      where status["state"]?["running"] != nil {
        running.insert("\(item.key) \(status["name"]?.string ?? "") \(status["containerID"]?.string ?? "")")
      }
    }
    let exported = (0..<7).flatMap { population.runningContainers(onNode: $0) }
    #expect(Set(exported.map { "\($0.namespace)/\($0.pod) \($0.name) containerd://\($0.id)" }) == running)
    #expect(exported.count == running.count)
  }
}

extension JSONValue {
  /// The value without nulls, false, 0 and empty values, which protobuf does not distinguish from absent ones.
  fileprivate var withoutZeros: JSONValue {
    switch self {
    case .object(let members):
      .object(members.mapValues(\.withoutZeros).filter { ![.null, .bool(false), .integer(0), "", [:], []].contains($0.value) })
    case .array(let elements): .array(elements.map(\.withoutZeros))
    default: self
    }
  }
}
