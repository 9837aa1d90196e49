import Primitives
import TestSupport
import Testing

@testable import KubeClient

private func pod(_ name: Int, version: Int = 1, on node: Int? = nil, containers: [Int] = []) -> PodRecord {
  PodRecord(
    namespace: "n\(name % 3)", name: "p\(name)", uid: "u", resourceVersion: "\(version)", nodeName: node.map { "node-\($0)" },
    containers: containers.map { ContainerRecord(name: "c\($0)", containerID: containerID($0)) })
}

/// Some IDs with the usual form, some without, and some that change their runtime.
private func containerID(_ number: Int) -> String {
  switch number % 3 {
  case 0: "containerd://" + String(repeating: "0", count: 56) + String(UInt32(number) | 1 << 31, radix: 16)
  case 1: "docker://\(number)"
  default: "virtual-\(number)"
  }
}

/// A model of the store that scans all records.
private struct NaiveStore {
  var pods: [ObjectKey: PodRecord] = [:]

  func problems(_ snapshot: StoreSnapshot<PodRecord>, nodes: Range<Int>, containers: Range<Int>) -> [String] {
    var problems: [String] = []
    if snapshot.count != pods.count || snapshot.isEmpty != pods.isEmpty { problems.append("\(snapshot.count) records, not \(pods.count)") }
    if Set(snapshot) != Set(pods.values) || Array(snapshot).count != pods.count { problems.append("other records") }
    for (key, pod) in pods where snapshot[key] != pod { problems.append("\(key): \(String(describing: snapshot[key]))") }
    for node in nodes.map({ "node-\($0)" }) {
      let found = Array(snapshot.pods(onNode: node))
      let wanted = pods.values.filter { $0.nodeName == node }
      if found.count != wanted.count || Set(found) != Set(wanted) { problems.append("\(node): \(found)") }
    }
    for id in containers.map(containerID) {
      let wanted = pods.values.filter { $0.containers.contains { $0.containerID == id } }
      let found = snapshot.pod(withContainer: id)
      if found.map(wanted.contains) ?? wanted.isEmpty { continue }
      problems.append("\(id): \(String(describing: found))")
    }
    return problems
  }
}

@Suite(.ownThread) struct StoreIndexTests {
  @Test(
    arguments: 0..<4 as Range<UInt64>)
  func `a store and its snapshots find the same as a full scan`(_ seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let store = Store<PodRecord>()
    let writer = StoreWriter(store: store)
    var model = NaiveStore()
    var held: [(snapshot: StoreSnapshot<PodRecord>, model: NaiveStore)] = []
    func somePod() -> PodRecord {
      pod(
        Int.random(in: 0..<60, using: &random), version: Int.random(in: 0..<1000, using: &random),
        on: Bool.random(using: &random) ? Int.random(in: 0..<8, using: &random) : nil,
        containers: (0..<Int.random(in: 0..<4, using: &random)).map { _ in Int.random(in: 0..<80, using: &random) })
    }
    for step in 0..<200 {
      if Int.random(in: 0..<40, using: &random) == 0 {
        let records = (0..<Int.random(in: 0..<60, using: &random)).map { _ in somePod() }
        let known = store.snapshot()
        writer.replaceAll(with: records.map { known.reusing($0) })
        model.pods = Dictionary(records.map { ($0.key, $0) }) { $1 }
      } else {
        let changes = (0..<Int.random(in: 1...10, using: &random)).map { _ in
          let pod = somePod()
          return Int.random(in: 0..<3, using: &random) == 0 ? RecordChange.remove(pod.key) : .put(pod)
        }
        writer.apply(changes)
        for change in changes {
          switch change {
          case .put(let pod): model.pods[pod.key] = pod
          case .remove(let key): model.pods[key] = nil
          }
        }
      }
      if step % 20 == 0 {
        #expect(model.problems(store.snapshot(), nodes: 0..<8, containers: 0..<80) == [])
        held.append((store.snapshot(), model))
      }
    }
    for (snapshot, model) in held { #expect(model.problems(snapshot, nodes: 0..<8, containers: 0..<80) == []) }
  }

  @Test
  func `a large store is filled, emptied and filled again`() {
    let store = Store<PodRecord>()
    let writer = StoreWriter(store: store)
    for start in stride(from: 0, to: 3000, by: 100) {
      writer.apply((start..<(start + 100)).map { .put(pod($0, on: $0 % 70, containers: [$0])) })
    }
    #expect(store.snapshot().count == 3000)
    #expect((0..<3000).allSatisfy { store.snapshot().pod(withContainer: containerID($0))?.name == "p\($0)" })
    #expect((0..<70).allSatisfy { Set(store.snapshot().pods(onNode: "node-\($0)").map(\.name)).count == ($0 < 60 ? 43 : 42) })
    writer.apply((0..<3000).map { .remove(pod($0).key) })
    #expect(store.snapshot().isEmpty)
    #expect(store.snapshot().pod(withContainer: containerID(7)) == nil)
    #expect(Array(store.snapshot().pods(onNode: "node-7")).isEmpty)
    writer.apply((0..<3000).map { .put(pod($0, on: 1)) })
    #expect(Array(store.snapshot().pods(onNode: "node-1")).count == 3000)
  }

  @Test
  func `a relist reuses equal records only`() throws {
    let store = Store<PodRecord>()
    let writer = StoreWriter(store: store)
    writer.replaceAll(with: [pod(1), pod(2)])
    let known = store.snapshot()
    let list = [pod(1), pod(2, version: 2), pod(3)].map { known.reusing($0) }
    let old = try #require(known[pod(1).key])
    #expect(list[0].storage === old.storage)
    #expect(list == [pod(1), pod(2, version: 2), pod(3)])
    writer.replaceAll(with: list)
    #expect(store.snapshot()[pod(1).key]?.storage === old.storage)
  }

  @Test
  func `an update keeps a record's memory unless a snapshot shares it`() throws {
    let store = Store<PodRecord>()
    let writer = StoreWriter(store: store)
    func memory() throws -> ObjectIdentifier { ObjectIdentifier(try #require(store.snapshot()[pod(1).key]).storage) }
    writer.apply([.put(pod(1, containers: [0]))])
    let first = try memory()
    writer.apply([.put(pod(1, version: 2, on: 1, containers: [3]))])
    #expect(try memory() == first)
    let snapshot = store.snapshot()
    writer.apply([.put(pod(1, version: 3, containers: [0]))])
    #expect(try memory() != first)
    #expect(snapshot[pod(1).key] == pod(1, version: 2, on: 1, containers: [3]))
    #expect(store.snapshot()[pod(1).key] == pod(1, version: 3, containers: [0]))
  }

  @Test
  func `versions of a Pod share its identity, and a new Pod of the same name does not`() throws {
    let store = Store<PodRecord>()
    let writer = StoreWriter(store: store)
    writer.apply([.put(pod(1))])
    let first = try #require(store.snapshot()[pod(1).key])
    writer.apply([.put(pod(1, version: 2, on: 1))])
    let second = try #require(store.snapshot()[pod(1).key])
    #expect(second.identity.isSameInMemory(as: first.identity))
    writer.apply([.put(PodRecord(namespace: "n1", name: "p1", uid: "another"))])
    #expect(store.snapshot()[pod(1).key]?.uid == "another")
  }

  @Test
  func `a Pod is found by container ID with and without runtime prefix`() {
    let store = Store<PodRecord>()
    let writer = StoreWriter(store: store)
    let digits = String(repeating: "0a", count: 32)
    let record = PodRecord(
      namespace: "a", name: "b",
      containers: [ContainerRecord(name: "new"), ContainerRecord(name: "c", containerID: "containerd://\(digits)")])
    writer.apply([.put(record)])
    #expect(store.snapshot().pod(withContainer: "containerd://\(digits)") == record)
    #expect(store.snapshot().pod(withContainer: digits) == record)
    #expect(store.snapshot().pod(withContainer: "") == nil)
    #expect(store.snapshot().pod(withContainer: "containerd://") == nil)
  }
}

@Suite struct ChangesByNodeTests {
  let store = Store<PodRecord>()

  private func nodes(_ numbers: Int...) -> StoreChange { .keys(Set(numbers.map { ObjectKey(name: "node-\($0)") })) }

  @Test
  func `a consumer receives the nodes that Pods are and were on`() async {
    let writer = StoreWriter(store: store)
    var changes = store.changesByNode.makeAsyncIterator()
    var byKey = store.changes.makeAsyncIterator()
    writer.apply([.put(pod(1, on: 1)), .put(pod(2, on: 2)), .put(pod(3))])
    #expect(await changes.next() == nodes(1, 2))
    #expect(await byKey.next() == .keys([pod(1).key, pod(2).key, pod(3).key]))
    writer.apply([.put(pod(1, version: 2, on: 3))])
    #expect(await changes.next() == nodes(1, 3))
    writer.apply([.put(pod(4))])
    writer.apply([.remove(pod(2).key), .remove(pod(9).key)])
    #expect(await changes.next() == nodes(2))
    writer.replaceAll(with: [])
    #expect(await changes.next() == .all)
  }
}
