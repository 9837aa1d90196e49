internal import Exposition

/// The samples of one scrape, to be pushed, with the names and label sets that they share.
///
///     var scrape = PushedScrape(owner: "virtual-1/shop/web-0", collectedAt: now, endpoint: "virtual-1")
///     scrape.beginLabelSet()
///     scrape.addLabel(name, escapedValue: value)
///     let name = scrape.addName("container_last_seen")
///     scrape.addSample(name: name, labelSet: 0, value: 1)
package struct PushedScrape: Sendable {
  /// Each scrape of an owner replaces its previous one.
  package let owner: String
  /// The timestamp of all samples, in milliseconds since 1970, so that no receiver finds them out of order. The samples' own timestamps
  /// come from other clocks, and do not advance while a cached value is exported.
  package let collectedAt: Int64
  /// Open-Falcon's endpoint for samples without a label `node`.
  package let endpoint: String

  struct Label: Sendable {
    var name: Range<Int>
    /// Unescaped.
    var value: Range<Int>
  }

  struct Sample: Sendable {
    var name: Int32
    var labelSet: Int32
    var value: Double
  }

  /// What remote write calls metadata.
  package enum MetricType: Int, Sendable {
    case untyped = 0
    case counter
    case gauge
    case histogram
    case summary = 5
  }

  struct Family: Sendable {
    var name: Range<Int>
    var type: MetricType
    /// Unescaped.
    var help: Range<Int>
  }

  /// The bytes of all names, help texts and values, which the ranges below are indices into.
  private(set) var text: [UInt8] = []
  private(set) var names: [Range<Int>] = []
  private(set) var labels: [Label] = []
  /// The index of each set's first label in `labels`.
  private(set) var setStarts: [Int] = []
  private(set) var samples: [Sample] = []
  private(set) var families: [Family] = []

  package init(owner: String, collectedAt: Int64, endpoint: String) {
    self.owner = owner
    self.collectedAt = collectedAt
    self.endpoint = endpoint
  }

  package mutating func reserve(samples count: Int) {
    samples.reserveCapacity(count)
  }

  /// Starts a new label set, to which the following labels belong. Sets are numbered from 0.
  package mutating func beginLabelSet() {
    setStarts.append(labels.count)
  }

  /// Adds a label. Empty values, which mean no label, and `__name__` are ignored.
  /// - Parameter escapedValue: the value with the text format's escapes `\\`, `\"` and `\n`.
  package mutating func addLabel(_ name: UnsafeRawBufferPointer, escapedValue: UnsafeRawBufferPointer) {
    guard !escapedValue.isEmpty, !name.elementsEqual("__name__".utf8) else { return }
    let nameRange = append(name)
    labels.append(Label(name: nameRange, value: append(escaped: escapedValue)))
  }

  /// Describes a family.
  /// - Parameter escapedHelp: the text with the text format's escapes `\\` and `\n`.
  package mutating func addFamily(_ name: UnsafeRawBufferPointer, type: MetricType, escapedHelp: UnsafeRawBufferPointer) {
    let nameRange = append(name)
    families.append(Family(name: nameRange, type: type, help: append(escaped: escapedHelp)))
  }

  /// - Returns: the name's index.
  package mutating func addName(_ pieces: UnsafeRawBufferPointer...) -> Int {
    let start = text.count
    for piece in pieces { text.append(contentsOf: piece) }
    names.append(start..<text.count)
    return names.count - 1
  }

  @inline(__always)
  package mutating func addSample(name: Int, labelSet: Int, value: Double) {
    samples.append(Sample(name: Int32(name), labelSet: Int32(labelSet), value: value))
  }

  func labels(ofSet set: Int) -> ArraySlice<Label> {
    labels[setStarts[set]..<(set + 1 < setStarts.count ? setStarts[set + 1] : labels.count)]
  }

  func string(_ range: Range<Int>) -> String {
    String(decoding: text[range], as: UTF8.self)
  }

  private mutating func append(_ bytes: UnsafeRawBufferPointer) -> Range<Int> {
    let start = text.count
    text.append(contentsOf: bytes)
    return start..<text.count
  }

  private mutating func append(escaped bytes: UnsafeRawBufferPointer) -> Range<Int> {
    let start = text.count
    text.append(unescaping: bytes)
    return start..<text.count
  }
}

extension PushedScrape {
  /// Adds a label of our own, whose value is not escaped.
  package mutating func addLabel(_ name: StaticString, _ value: String) {
    guard !value.isEmpty else { return }
    let nameRange = name.withUTF8Buffer { append(UnsafeRawBufferPointer($0)) }
    let start = text.count
    text.append(contentsOf: value.utf8)
    labels.append(Label(name: nameRange, value: start..<text.count))
  }

  /// - Returns: the name's index.
  package mutating func addName(_ name: StaticString) -> Int {
    name.withUTF8Buffer { addName(UnsafeRawBufferPointer($0)) }
  }
}
