/// Texts one after the other in one buffer, so that those of a program's own can be handled as those that stand in an answer are: by where
/// they are.
struct TextArena {
  private(set) var bytes: [UInt8] = []

  mutating func add(_ text: String) -> Range<Int> {
    let start = bytes.count
    bytes.append(contentsOf: text.utf8)
    return start..<bytes.count
  }

  mutating func add(_ pairs: [String: String]) -> [DraftPair] {
    pairs.map { DraftPair(key: add($0.key), value: add($0.value)) }
  }
}
