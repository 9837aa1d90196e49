import Primitives
import Testing

@Suite struct NodeShardTests {
  private static let nodes = (0..<20_000).map { "node-\($0)" }

  private static func index(_ node: String, _ count: Int) -> Int { NodeShard.index(of: node.utf8, among: count) }

  @Test func `only parts that exist can be made`() {
    #expect(NodeShard(0, of: 1) == .all)
    #expect(NodeShard(3, of: 4)?.description == "3 of 4")
    #expect(NodeShard(4, of: 4) == nil)
    #expect(NodeShard(-1, of: 4) == nil)
    #expect(NodeShard(0, of: 0) == nil)
  }

  @Test func `without division every node belongs to the only part`() {
    #expect(Self.nodes.allSatisfy { NodeShard.all.contains($0) })
    #expect(NodeShard.all.contains(""))
    #expect(!NodeShard.all.isPartial)
  }

  @Test(arguments: [2, 3, 4, 20, 64]) func `R150: every node belongs to exactly one part, and the parts are of about one size`(count: Int) {
    let parts = (0..<count).compactMap { NodeShard($0, of: count) }
    var sizes = [Int](repeating: 0, count: count)
    for node in Self.nodes {
      let owners = parts.filter { $0.contains(node) }
      #expect(owners.map(\.index) == [Self.index(node, count)])
      sizes[owners[0].index] += 1
    }
    let fair = Self.nodes.count / count
    // Five standard deviations of a random division.
    let margin = 5 * Int(Double(fair).squareRoot())
    #expect(sizes.allSatisfy { abs($0 - fair) <= margin }, "\(sizes)")
  }

  @Test(arguments: ["ip-10-0-%.eu-west-1.compute.internal", "aks-pool-12345678-vmss%", "gke-prod-default-pool-0a1b2c3d-%", "%"])
  func `names that differ in a few letters are divided evenly`(pattern: String) {
    var sizes = [Int](repeating: 0, count: 4)
    for number in 0..<4000 {
      let suffix = String(number, radix: 36)
      let zeros = String(repeating: "0", count: 4 - suffix.count)
      sizes[Self.index(pattern.replacing("%", with: zeros + suffix), 4)] += 1
    }
    #expect(sizes.allSatisfy { abs($0 - 1000) <= 160 }, "\(sizes)")
  }

  @Test(arguments: 1..<24) func `R150: with one more part only the nodes of the new part move`(count: Int) {
    let moved = Self.nodes.filter { Self.index($0, count) != Self.index($0, count + 1) }
    #expect(moved.allSatisfy { Self.index($0, count + 1) == count })
    #expect(!moved.isEmpty)
  }

  /// Replicas of different versions must agree, so these numbers never change.
  @Test func `R150: the division is the same in every version`() {
    let indices = ["node-0", "node-1", "worker-a", "ip-10-0-1-2.ec2.internal", ""].map { node in [2, 4, 20].map { Self.index(node, $0) } }
    #expect(indices == [[1, 1, 14], [1, 1, 13], [0, 2, 13], [0, 3, 12], [0, 0, 16]])
  }
}
