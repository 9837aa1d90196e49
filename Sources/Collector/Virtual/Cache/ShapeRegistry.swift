internal import Synchronization

/// The shapes that pages in memory have, so that a page whose like is there takes that one's. Holds none by itself.
final class ShapeRegistry: Sendable {
  private struct Reference {
    weak var shape: PageShape?
  }

  private let shapes = Mutex<[Int: Reference]>([:])

  func shape(of draft: borrowing PageDraft, lines: [PageShape.Line], families: [PageShape.Family]) -> PageShape {
    var hasher = Hasher()
    lines.withUnsafeBytes { hasher.combine(bytes: $0) }
    draft.labels.withUnsafeBytes { hasher.combine(bytes: $0) }
    draft.texts.withUnsafeBytes { hasher.combine(bytes: $0) }
    let hash = hasher.finalize()
    if let known = shapes.withLock({ $0[hash]?.shape }), known.isShape(of: draft, lines: lines, families: families) { return known }
    let shape = PageShape(draft, lines: lines, families: families)
    shapes.withLock { shapes in
      // Those whose last page is gone are looked for now and then, as their number doubles.
      if shapes.count.nonzeroBitCount == 1 { shapes = shapes.filter { $0.value.shape != nil } }
      shapes[hash] = Reference(shape: shape)
    }
    return shape
  }

  /// How many are in use.
  var count: Int { shapes.withLock { $0.values.count { $0.shape != nil } } }
}
