internal import Exposition
internal import Synchronization

/// What the scrapes of similar pods have in common: everything except label values, numbers and times. Thousands of pods of a few kinds
/// share a few shapes, so that a scrape takes a twentieth of its text in memory.
final class ScrapeShape: Sendable {
  /// The samples of a family are contiguous in `lines`, in the order of the body.
  struct Family: Sendable {
    var name: Range<Int>
    var help: Range<Int>
    var type: MetricType?
    var lines: Range<Int>
  }

  /// The index of a label set and the suffix of the sample's name, packed into one word, so that lines compare and hash as bytes.
  struct Line: Hashable, Sendable {
    private let packed: UInt32

    init(set: Int, suffix: Int) {
      packed = UInt32(set) << 4 | UInt32(suffix)
    }

    var set: Int { Int(packed >> 4) }
    /// An index into `suffixes`.
    var suffix: Int { Int(packed & 15) }
  }

  /// The suffixes, in the order of `FamilySuffix.allCases`.
  static let suffixes = FamilySuffix.allCases.map { Array($0.rawValue.utf8) }

  /// `name` is an index into `labelOpenings`, `value` into the scrape's own values.
  struct Label: Hashable, Sendable {
    var name: UInt32
    var value: UInt32
  }

  let text: [UInt8]
  let families: [Family]
  let lines: [Line]
  let labels: [Label]
  /// The end of each set in `labels`.
  let setEnds: [UInt32]
  /// By label name, the text between the previous label's value and this one's, such as `",pod="`, with legacy names.
  let labelOpenings: [[UInt8]]
  /// Only if a name of a family or label is not a legacy name.
  let uncommonNames: UncommonNames?
  /// The label sets of container instances that are not on the roll, ascending.
  let otherInstances: [UInt32]
  let valueCount: Int
  /// Upper bound of the bytes of all HELP and TYPE lines.
  let headerBytes: Int

  struct UncommonNames: Sendable {
    /// By label name.
    var names: [[UInt8]]
    /// Like `labelOpenings`, with names in quotes unless they are legacy names.
    var quotedOpenings: [[UInt8]]
  }

  init(_ builder: borrowing ScrapeBuilder, lines: [Line], families: [Family]) {
    text = builder.texts
    self.families = families
    self.lines = lines
    labels = builder.labels
    setEnds = builder.setEnds
    let names = (0..<builder.labelNames.count).map { Array(builder.labelNames.bytes[builder.labelNames.range(of: $0)]) }
    labelOpenings = builder.legacyLabelNames(names).map(Self.opening)
    uncommonNames =
      builder.hasLegacyNames ? nil : UncommonNames(names: names, quotedOpenings: names.map { Self.opening(quotedIfNeeded($0)) })
    otherInstances = builder.otherInstances
    valueCount = builder.values.count
    headerBytes = builder.families.reduce(0) { $0 + 2 * ($1.nameLength + 32) + $1.help.count }
  }

  private static func opening(_ name: [UInt8]) -> [UInt8] { Array("\",".utf8) + name + Array("=\"".utf8) }

  func labels(ofSet set: Int) -> Range<Int> {
    (set == 0 ? 0 : Int(setEnds[set - 1]))..<Int(setEnds[set])
  }

  func familyName(_ index: Int) -> ArraySlice<UInt8> { text[families[index].name] }

  func index(ofFamily name: StaticString) -> Int? {
    name.withUTF8Buffer { name in families.firstIndex { text[$0.name].elementsEqual(name) } }
  }

  func index(ofLabel name: StaticString) -> UInt32? {
    name.withUTF8Buffer { name in
      labelOpenings.indices.first { labelName($0).elementsEqual(name) }.map(UInt32.init)
    }
  }

  private func labelName(_ index: Int) -> ArraySlice<UInt8> {
    if let uncommonNames { return uncommonNames.names[index][...] }
    let opening = labelOpenings[index]
    return opening[2..<opening.count - 2]
  }

  func isOfOtherInstance(set: Int) -> Bool { !otherInstances.isEmpty && otherInstances.contains(UInt32(set)) }

  /// Whether the builder's scrape has this shape.
  func isShape(of builder: borrowing ScrapeBuilder, lines: [Line], families: [Family]) -> Bool {
    valueCount == builder.values.count && self.lines == lines && labels == builder.labels && setEnds == builder.setEnds
      && text == builder.texts && otherInstances == builder.otherInstances && labelOpenings.count == builder.labelNames.count
      && self.families.elementsEqual(families) { $0.name == $1.name && $0.help == $1.help && $0.type == $1.type && $0.lines == $1.lines }
      && labelOpenings.indices.allSatisfy { index in
        labelName(index).elementsEqual(builder.labelNames.bytes[builder.labelNames.range(of: index)])
      }
  }
}

extension ScrapeBuilder {
  /// The names of labels as legacy names, all different.
  func legacyLabelNames(_ names: [[UInt8]]) -> [[UInt8]] {
    guard !hasLegacyNames else { return names }
    func isLegacy(_ name: [UInt8]) -> Bool { name.withUnsafeBytes { isLegacyName($0, ofLabel: true) } }
    var translator = LegacyNames(ofLabels: true, keeping: names.filter(isLegacy))
    return names.map { isLegacy($0) ? $0 : translator.translation(of: $0) }
  }
}

/// The shapes in use, for sharing among scrapes. Holds weak references only.
final class ShapeRegistry: Sendable {
  private struct Reference {
    weak var shape: ScrapeShape?
  }

  private let shapes = Mutex<[Int: Reference]>([:])

  func shape(of builder: borrowing ScrapeBuilder, lines: [ScrapeShape.Line], families: [ScrapeShape.Family]) -> ScrapeShape {
    var hasher = Hasher()
    lines.withUnsafeBytes { hasher.combine(bytes: $0) }
    builder.labels.withUnsafeBytes { hasher.combine(bytes: $0) }
    builder.texts.withUnsafeBytes { hasher.combine(bytes: $0) }
    let hash = hasher.finalize()
    if let known = shapes.withLock({ $0[hash]?.shape }), known.isShape(of: builder, lines: lines, families: families) { return known }
    let shape = ScrapeShape(builder, lines: lines, families: families)
    shapes.withLock { shapes in
      // Removes dead references whenever the number of shapes is a power of two.
      if shapes.count.nonzeroBitCount == 1 { shapes = shapes.filter { $0.value.shape != nil } }
      shapes[hash] = Reference(shape: shape)
    }
    return shape
  }

  /// Number of shapes in use.
  var count: Int { shapes.withLock { $0.values.count { $0.shape != nil } } }
}
