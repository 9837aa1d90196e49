/// Which samples are pushed, by their names; without any name, all are.
struct FamilyFilter: Sendable {
  private let names: Set<[UInt8]>

  init(_ names: [String]) {
    self.names = Set(names.map { Array($0.utf8) })
  }

  func accepts(_ name: Range<Int>, on page: borrowing Span<UInt8>) -> Bool {
    if names.isEmpty { return true }
    return page.extracting(name).withUnsafeBufferPointer { names.contains(Array($0)) }
  }
}
