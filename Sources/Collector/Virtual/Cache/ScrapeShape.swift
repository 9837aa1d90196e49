internal import Exposition
internal import Synchronization

/// What the pages of like pods have in common: everything but the labels' values, the numbers and the times. Thousands of pods of a few
/// kinds share a few shapes, which is why a page in memory is a twentieth of its text.
final class ScrapeShape: Sendable {
  /// Samples of one family stand together in `lines`, in the order of the page.
  struct Family: Sendable {
    var name: Range<Int>
    var help: Range<Int>
    var type: MetricType?
    var lines: Range<Int>
  }

  /// A label set's number and what the sample's name has behind its family's, in one word, so that lines compare and hash as bytes.
  struct Line: Hashable, Sendable {
    private let packed: UInt32

    init(set: Int, suffix: Int) {
      packed = UInt32(set) << 4 | UInt32(suffix)
    }

    var set: Int { Int(packed >> 4) }
    /// Its place among `FamilySuffix.allCases`.
    var suffix: Int { Int(packed & 15) }
  }

  /// The suffixes by their place.
  static let suffixes = FamilySuffix.allCases.map { Array($0.rawValue.utf8) }

  /// `name` counts in `labelNames`, `value` among the page's own values.
  struct Label: Hashable, Sendable {
    var name: UInt32
    var value: UInt32
  }

  let text: [UInt8]
  let families: [Family]
  let lines: [Line]
  let labels: [Label]
  /// Where each set's labels end in `labels`.
  let setEnds: [UInt32]
  /// As they stand before a value that is not the first: `",pod="`, quotes included.
  let labelOpenings: [[UInt8]]
  let valueCount: Int

  init(_ draft: borrowing ScrapeBuilder, lines: [Line], families: [Family]) {
    text = draft.texts
    self.families = families
    self.lines = lines
    labels = draft.labels
    setEnds = draft.setEnds
    labelOpenings = (0..<draft.labelNames.count).map { index in
      Array("\",".utf8) + draft.labelNames.bytes[draft.labelNames.range(of: index)] + Array("=\"".utf8)
    }
    valueCount = draft.values.count
  }

  func labels(ofSet set: Int) -> Range<Int> {
    (set == 0 ? 0 : Int(setEnds[set - 1]))..<Int(setEnds[set])
  }

  func familyName(_ index: Int) -> ArraySlice<UInt8> { text[families[index].name] }

  func index(ofFamily name: StaticString) -> Int? {
    name.withUTF8Buffer { name in families.firstIndex { text[$0.name].elementsEqual(name) } }
  }

  func index(ofLabel name: StaticString) -> UInt32? {
    name.withUTF8Buffer { name in
      labelOpenings.firstIndex { $0[2..<$0.count - 2].elementsEqual(name) }.map(UInt32.init)
    }
  }

  /// Whether a page of that draft has this shape.
  func isShape(of draft: borrowing ScrapeBuilder, lines: [Line], families: [Family]) -> Bool {
    valueCount == draft.values.count && self.lines == lines && labels == draft.labels && setEnds == draft.setEnds
      && text == draft.texts && labelOpenings.count == draft.labelNames.count
      && self.families.elementsEqual(families) { $0.name == $1.name && $0.help == $1.help && $0.type == $1.type && $0.lines == $1.lines }
      && labelOpenings.indices.allSatisfy { index in
        let opening = labelOpenings[index]
        return opening[2..<opening.count - 2].elementsEqual(draft.labelNames.bytes[draft.labelNames.range(of: index)])
      }
  }
}

/// The shapes that pages in memory have, so that a page whose like is there takes that one's. Holds none by itself.
final class ShapeRegistry: Sendable {
  private struct Reference {
    weak var shape: ScrapeShape?
  }

  private let shapes = Mutex<[Int: Reference]>([:])

  func shape(of draft: borrowing ScrapeBuilder, lines: [ScrapeShape.Line], families: [ScrapeShape.Family]) -> ScrapeShape {
    var hasher = Hasher()
    lines.withUnsafeBytes { hasher.combine(bytes: $0) }
    draft.labels.withUnsafeBytes { hasher.combine(bytes: $0) }
    draft.texts.withUnsafeBytes { hasher.combine(bytes: $0) }
    let hash = hasher.finalize()
    if let known = shapes.withLock({ $0[hash]?.shape }), known.isShape(of: draft, lines: lines, families: families) { return known }
    let shape = ScrapeShape(draft, lines: lines, families: families)
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
