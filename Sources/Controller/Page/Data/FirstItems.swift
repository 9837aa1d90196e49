/// The first items in an order, up to a number, of a sequence that is too long to sort. Holds at most twice that number.
struct FirstItems<Item> {
  private let limit: Int
  private let precedes: (Item, Item) -> Bool
  private var items: [Item] = []
  /// The last of the first `limit` items seen; `nil` while there are fewer.
  private var last: Item?

  init(_ limit: Int, by precedes: @escaping (Item, Item) -> Bool) {
    self.limit = limit
    self.precedes = precedes
  }

  mutating func add(_ item: Item) {
    if let last, !precedes(item, last) { return }
    items.append(item)
    if items.count >= 2 * max(limit, 512) { cut() }
  }

  /// In order.
  mutating func sorted() -> [Item] {
    cut()
    return items
  }

  private mutating func cut() {
    items.sort(by: precedes)
    items.removeLast(max(items.count - limit, 0))
    if items.count == limit { last = items.last }
  }
}
