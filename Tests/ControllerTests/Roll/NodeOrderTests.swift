import KubeClient
import Roll
import Testing

@testable import Controller

@Suite struct NodeOrderTests {
  @Test func `the order is kept while Nodes are added and removed`() {
    var order = NodeOrder(["m", "c", "x"])
    var expected: Set = ["m", "c", "x"]
    var random = SystemRandomNumberGenerator()
    for _ in 0..<2000 {
      let name = "\(Int.random(in: 0..<50, using: &random))"
      if Bool.random(using: &random) {
        order.insert(name)
        expected.insert(name)
      } else {
        order.remove(name)
        expected.remove(name)
      }
      #expect(order.names == expected.sorted())
    }
  }

  @Test func `the store returns rolls by Node`() {
    let store = RollStore()
    var builder = RollBuilder(settings: RollSettings(grace: .seconds(60), virtualNodes: []))
    let time = ManualTime()
    func publish(_ names: [String], _ change: StoreChange) {
      let nodes = Records(names.map { NodeRecord(name: $0, operatingSystem: "linux") })
      let pods = Records<PodRecord>([])
      let changes = builder.update(nodes: nodes, nodeChange: change, pods: pods, podChange: .all, at: time.reading())
      store.publish(changes, of: builder)
    }
    publish(["b", "d", "a"], .all)
    #expect(store.snapshot().inOrder.map(\.node) == ["a", "b", "d"])
    publish(["b", "c", "d"], .keys([ObjectKey(name: "a"), ObjectKey(name: "c")]))
    #expect(store.snapshot().inOrder.map(\.node) == ["b", "c", "d"])
    publish(["e", "b"], .all)
    #expect(store.snapshot().inOrder.map(\.node) == ["b", "e"])
  }
}
