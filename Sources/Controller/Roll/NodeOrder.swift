import Roll

/// The names of nodes in order, kept so while nodes come and go: to sort the names of 5,000 nodes takes longer than most of what is done in
/// their order.
struct NodeOrder: Sendable, Equatable {
  private(set) var names: [String] = []

  init(_ names: some Sequence<String> = []) { self.names = names.sorted() }

  /// A name that is there already stays once.
  mutating func insert(_ name: String) {
    let place = place(of: name)
    if place == names.count || names[place] != name { names.insert(name, at: place) }
  }

  mutating func remove(_ name: String) {
    let place = place(of: name)
    if place < names.count, names[place] == name { names.remove(at: place) }
  }

  /// The rolls of these nodes, in order. Written out, as a chain of lazy sequences takes three times as long.
  func rolls(in rolls: [String: NodeRoll]) -> [NodeRoll] {
    var ordered: [NodeRoll] = []
    ordered.reserveCapacity(names.count)
    for name in names {
      if let roll = rolls[name] { ordered.append(roll) }
    }
    return ordered
  }

  /// Where the name is, or belongs.
  private func place(of name: String) -> Int {
    var (low, high) = (0, names.count)
    while low < high {
      let middle = (low + high) / 2
      if names[middle] < name { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
