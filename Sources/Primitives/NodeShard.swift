/// One of the parts into which a cluster's nodes are divided. A node belongs to a part by a hash of its name, so that every replica, of
/// every version, divides them alike without asking.
package struct NodeShard: Hashable, Sendable, CustomStringConvertible {
  /// Every node.
  package static let all = NodeShard()

  /// From 0 to `count - 1`.
  package let index: Int
  /// The number of parts.
  package let count: Int

  private init() {
    index = 0
    count = 1
  }

  /// - Returns: `nil` if there is no such part.
  package init?(_ index: Int, of count: Int) {
    guard count > 0, (0..<count).contains(index) else { return nil }
    self.index = index
    self.count = count
  }

  package var description: String { "\(index) of \(count)" }

  /// Whether the nodes are divided at all.
  package var isPartial: Bool { count > 1 }

  package func contains(_ node: String) -> Bool { contains(node.utf8) }

  /// - Parameter node: the bytes of the node's name.
  @inlinable
  package func contains(_ node: some Sequence<UInt8>) -> Bool {
    count == 1 || Self.index(of: node, among: count) == index
  }

  /// The index of a node's part.
  ///
  /// Jump consistent hash: with one more part, the nodes of the new part are all that move.
  /// Source: Lamping and Veach, https://arxiv.org/abs/1406.2294.
  @inlinable
  package static func index(of node: some Sequence<UInt8>, among count: Int) -> Int {
    // The bits of FNV-1a depend too little on the last letters of a name, in which nodes often differ: they are mixed as in SplitMix64.
    var key = fnv1a(node)
    key = (key ^ key >> 30) &* 0xbf58_476d_1ce4_e5b9
    key = (key ^ key >> 27) &* 0x94d0_49bb_1331_11eb
    key ^= key >> 31
    var index: Int64 = -1
    var next: Int64 = 0
    while next < Int64(count) {
      index = next
      key = key &* 2_862_933_555_777_941_757 &+ 1
      next = Int64(Double(index + 1) * (Double(1 << 31) / Double((key >> 33) + 1)))
    }
    return Int(index)
  }
}
