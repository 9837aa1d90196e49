import Testing

@testable import KubeClient

private func node(_ name: String, _ version: String = "1") -> NodeRecord { NodeRecord(name: name, resourceVersion: version) }
private func key(_ name: String) -> ObjectKey { ObjectKey(name: name) }

@Suite struct StoreTests {
  let store = Store<NodeRecord>()

  @Test
  func `a store is synced after the first list, even if it is empty`() {
    let writer = StoreWriter(store: store)
    #expect(!store.isSynced)
    writer.apply([.put(node("a"))])
    #expect(!store.isSynced)
    writer.replaceAll(with: [])
    #expect(store.isSynced)
    #expect(store.snapshot().isEmpty)
  }

  @Test
  func `R13: a relist deletes missing records, and a snapshot does not change`() {
    let writer = StoreWriter(store: store)
    writer.replaceAll(with: [node("a"), node("b")])
    let before = store.snapshot()
    writer.replaceAll(with: [node("b", "2"), node("c", "2")])
    let after = store.snapshot()
    #expect(before.map(\.name).sorted() == ["a", "b"])
    #expect(before[key("b")]?.resourceVersion == "1")
    #expect(after.map(\.name).sorted() == ["b", "c"])
    #expect(after[key("a")] == nil)
    #expect(after[key("b")]?.resourceVersion == "2")
  }

  @Test func `changes are applied`() {
    let writer = StoreWriter(store: store)
    writer.replaceAll(with: [node("a"), node("b")])
    writer.apply([.put(node("a", "2")), .put(node("c", "3")), .remove(key("b")), .remove(key("never-there"))])
    let snapshot = store.snapshot()
    #expect(snapshot.count == 2)
    #expect(snapshot[key("a")]?.resourceVersion == "2")
    #expect(snapshot[key("c")]?.resourceVersion == "3")
  }

  @Test
  func `a reader never sees a partial batch`() async {
    let writer = StoreWriter(store: store)
    writer.replaceAll(with: (0..<50).map { node("\($0)", "0") })
    let store = store
    await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<2 {
        group.addTask {
          (0..<2000).allSatisfy { _ in
            let snapshot = store.snapshot()
            return Set(snapshot.map(\.resourceVersion)).count == 1 && snapshot.count == 50
          }
        }
      }
      for version in 1..<500 {
        let records = (0..<50).map { node("\($0)", "\(version)") }
        if version.isMultiple(of: 2) { writer.replaceAll(with: records) } else { writer.apply(records.map { .put($0) }) }
      }
      for await consistent in group { #expect(consistent) }
    }
  }
}

@Suite struct StoreChangesTests {
  let store = Store<NodeRecord>()

  @Test
  func `changes since the last call are one batch`() async {
    let writer = StoreWriter(store: store)
    var changes = store.changes.makeAsyncIterator()
    writer.apply([.put(node("a"))])
    writer.apply([.put(node("a", "2")), .put(node("b"))])
    writer.apply([.remove(key("c"))])
    #expect(await changes.next() == .keys([key("a"), key("b"), key("c")]))
    writer.apply([.put(node("d"))])
    #expect(await changes.next() == .keys([key("d")]))
  }

  @Test
  func `a relist means all, and so does the first element of a late consumer`() async {
    let writer = StoreWriter(store: store)
    var early = store.changes.makeAsyncIterator()
    writer.apply([.put(node("a"))])
    writer.replaceAll(with: [node("b")])
    #expect(await early.next() == .all)
    var late = store.changes.makeAsyncIterator()
    writer.apply([.put(node("c"))])
    #expect(await late.next() == .all)
    #expect(await early.next() == .keys([key("c")]))
  }

  @Test
  func `an idle consumer uses bounded memory and delays nobody`() async {
    let writer = StoreWriter(store: store)
    var slow = store.changes.makeAsyncIterator()
    var fast = store.changes.makeAsyncIterator()
    for index in 0...ChangeMailbox.maximumKeys {
      writer.apply([.put(node("\(index)"))])
      #expect(await fast.next() == .keys([key("\(index)")]))
    }
    #expect(await slow.next() == .all)
  }

  @Test
  func `a waiting consumer is resumed`() async {
    let writer = StoreWriter(store: store)
    let changes = store.changes
    let first = Task {
      var iterator = changes.makeAsyncIterator()
      return await iterator.next()
    }
    // Works whether the consumer waits already or not: the store is synced from here on.
    writer.replaceAll(with: [node("a")])
    #expect(await first.value == .all)
  }

  @Test
  func `iteration ends with the task`() async {
    let changes = store.changes
    let consumer = Task {
      for await _ in changes {}
      return true
    }
    consumer.cancel()
    #expect(await consumer.value)
  }
}
