/// An array in chunks, for a value of which readers hold older copies while it changes: a change copies the one chunk that it is in, and the
/// list of chunks, if someone else holds them; nothing, if nobody does.
struct ChunkedArray<Element: Sendable>: Sendable {
  private var chunks: [[Element]] = []
  /// How many elements there are.
  private(set) var count = 0
  private let shift: Int

  /// - Parameter chunkBits: a chunk has 2 to the power of this many elements.
  init(chunkBits: Int) { shift = chunkBits }

  init(repeating element: Element, count: Int, chunkBits: Int) {
    self.init(chunkBits: chunkBits)
    let whole = Array(repeating: element, count: min(count, 1 << shift))
    while self.count < count {
      let length = min(count - self.count, 1 << shift)
      // Each chunk is an array of its own: one that is shared would have to be copied at its first change.
      chunks.append(length == whole.count ? Array(repeating: element, count: length) : Array(whole.prefix(length)))
      self.count += length
    }
  }

  subscript(index: Int) -> Element {
    get { chunks[index >> shift][index & (1 << shift - 1)] }
    set { chunks[index >> shift][index & (1 << shift - 1)] = newValue }
  }

  /// Runs the function on the element where it is.
  mutating func update<Result>(_ index: Int, _ body: (inout Element) -> Result) -> Result {
    body(&chunks[index >> shift][index & (1 << shift - 1)])
  }

  mutating func append(_ element: Element) {
    if count & (1 << shift - 1) == 0 {
      var chunk: [Element] = []
      chunk.reserveCapacity(1 << shift)
      chunks.append(chunk)
    }
    chunks[count >> shift].append(element)
    count += 1
  }
}
