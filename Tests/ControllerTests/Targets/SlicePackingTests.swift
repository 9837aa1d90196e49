import Primitives
import TestSupport
import Testing

@testable import Controller

@Suite(.ownThread) struct SlicePackingTests {
  private func nodes(_ range: Range<Int>) -> [EndpointIdentity] {
    range.map { EndpointIdentity(node: "node-\(String(100_000 + $0))") }
  }

  private func pack(_ wanted: [EndpointIdentity], into existing: [LiveSlice] = []) -> [LiveSlice] {
    let wanted = wanted.sorted()
    return SlicePacking.pack(wanted, into: existing) { "s-\($0)" }.map { packed in
      LiveSlice(name: packed.name, group: nil, members: packed.members.map { wanted[$0] })
    }
  }

  /// The names of slices that differ.
  private func changed(_ before: [LiveSlice], _ after: [LiveSlice]) -> Set<String> {
    let old = Dictionary(uniqueKeysWithValues: before.map { ($0.name, $0.members) })
    let new = Dictionary(uniqueKeysWithValues: after.map { ($0.name, $0.members) })
    return Set(old.keys).union(new.keys).filter { old[$0] != new[$0] }
  }

  @Test func `slices are filled in order`() {
    let slices = pack(nodes(0..<250))
    #expect(slices.map(\.name) == ["s-0", "s-1", "s-2"])
    #expect(slices.map(\.members.count) == [100, 100, 50])
    #expect(slices.flatMap(\.members) == nodes(0..<250))
  }

  @Test(arguments: [0, 1, 99, 100, 101, 5000])
  func `nothing changes in a steady state`(count: Int) {
    let slices = pack(nodes(0..<count))
    #expect(pack(nodes(0..<count), into: slices) == slices)
  }

  /// Replaces 50 of 5,000 nodes: only the slices that lost a member are written, and they get the new ones.
  @Test(arguments: [1, 2, 3, 4, 5])
  func `one percent churn changes only slices that lost members`(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let before = pack(nodes(0..<5000))
    let gone = Set(nodes(0..<5000).shuffled(using: &random).prefix(50))
    let after = pack(nodes(0..<5000).filter { !gone.contains($0) } + nodes(5000..<5050), into: before)

    let losers = Set(before.filter { !gone.isDisjoint(with: $0.members) }.map(\.name))
    #expect(changed(before, after) == losers)
    #expect(Set(after.flatMap(\.members)) == Set(nodes(0..<5050)).subtracting(gone))
    #expect(after.allSatisfy { $0.members.count <= 100 })
  }

  @Test func `a new Node changes only one slice`() {
    let before = pack(nodes(0..<450))
    let after = pack(nodes(0..<451), into: before)
    #expect(changed(before, after) == ["s-4"])
  }

  @Test func `members stay in their slices`() {
    let before = pack(nodes(0..<300))
    let after = pack(nodes(50..<300), into: before)
    for slice in after {
      let old = before.first { $0.name == slice.name }
      #expect(Set(slice.members).isSubset(of: Set(old?.members ?? [])))
    }
  }

  @Test func `an emptied slice is dropped`() {
    let before = pack(nodes(0..<200))
    #expect(pack(nodes(100..<200), into: before).map(\.name) == ["s-1"])
    #expect(pack([], into: before).isEmpty)
  }

  /// Ten slices with ten members each: the emptiest are dissolved until two are left.
  @Test func `nearly empty slices are merged`() {
    let before = pack(nodes(0..<1000))
    let left = before.flatMap { $0.members.prefix(10) }
    let after = pack(left, into: before)
    #expect(after.count == 2)
    #expect(Set(after.flatMap(\.members)) == Set(left))
    #expect(pack(left, into: after) == after)
  }

  @Test func `a single free place does not cause a merge`() {
    let before = pack(nodes(0..<1000))
    #expect(pack(nodes(0..<999), into: before).count == 10)
  }

  @Test func `an endpoint found in two slices is kept in only one`() {
    let member = nodes(0..<1)
    let after = pack(member, into: [.init(name: "a", members: member), .init(name: "b", members: member)])
    #expect(after == [.init(name: "a", members: member)])
  }

  @Test func `a slice number in use is not reused`() {
    let before = [LiveSlice(name: "s-1", members: nodes(0..<100))]
    let after = SlicePacking.pack(nodes(0..<301), into: before) { $0 == 0 ? nil : "s-\($0)" }
    #expect(after.map(\.name) == ["s-1", "s-2", "s-3", "s-4"])
  }

  /// After any change, each wanted endpoint is in exactly one slice, no slice exceeds its capacity, and a second pass changes nothing.
  @Test(arguments: [11, 12, 13, 14, 15, 16, 17, 18])
  func `slices stay valid and stable through random changes`(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var slices: [LiveSlice] = []
    for _ in 0..<40 {
      let share = Int.random(in: 1...100, using: &random)
      let wanted = nodes(0..<800).filter { _ in Int.random(in: 0..<100, using: &random) < share }
      slices = pack(wanted, into: slices)
      #expect(slices.flatMap(\.members).sorted() == wanted)
      #expect(slices.allSatisfy { (1...100).contains($0.members.count) })
      #expect(pack(wanted, into: slices) == slices)
    }
  }
}
