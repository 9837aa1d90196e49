internal import Exposition
internal import Glibc
internal import Primitives

/// Collects the samples of a body for a `CachedScrape` or a `CollectedScrape`. Reused for many bodies, to avoid allocations.
struct ScrapeBuilder: Sendable {
  struct Family: Sendable {
    var name: Range<Int>
    var help: Range<Int>
    var type: MetricType?
    var lineCount = 0
    /// Upper bound of the bytes of the name in any form.
    var nameLength: Int
  }

  struct Line: Sendable {
    var family: Int
    var shape: ScrapeShape.Line
    var time: UInt8
    var number: Range<Int>
  }

  /// The number of times that lines can refer to by index. Further times are stored in their lines.
  static let timesLimit = 253
  /// Marks a line that contains its time.
  static let ownTime: UInt8 = 254
  /// Marks a line without a time.
  static let noTime: UInt8 = 255
  /// Longer help texts are dropped.
  private static let helpLimit = 4096

  /// The names and help texts of families.
  private(set) var texts: [UInt8] = []
  private(set) var families: [Family] = []
  private(set) var lines: [Line] = []
  private(set) var labels: [ScrapeShape.Label] = []
  private(set) var setEnds: [UInt32] = []
  private(set) var labelNames = InternTable()
  private(set) var values = InternTable()
  private(set) var numbers: [UInt8] = []
  private(set) var times: [Int64] = []
  /// The times that are not in `times`, with the indices of their lines, ascending.
  private var ownTimes: [(line: Int, time: Int64)] = []
  /// Upper bound of the bytes of the longest line in the text format.
  private(set) var longestLine = 0
  /// Upper bound of the bytes of all lines in the text format.
  private(set) var textBytes = 0
  /// Whether all names of families and labels are legacy names.
  private(set) var hasLegacyNames = true
  /// The label sets of container instances that are not on the roll, ascending.
  private(set) var otherInstances: [UInt32] = []
  private var familyNames = InternTable()
  private var setLengths: [Int] = []
  /// By label name, an upper bound of its bytes in any form.
  private var labelLengths: [Int] = []
  private var current = 0
  private var suffix = 0

  mutating func begin() {
    texts.removeAll(keepingCapacity: true)
    families.removeAll(keepingCapacity: true)
    lines.removeAll(keepingCapacity: true)
    labels.removeAll(keepingCapacity: true)
    setEnds.removeAll(keepingCapacity: true)
    labelNames.removeAll()
    values.removeAll()
    numbers.removeAll(keepingCapacity: true)
    times.removeAll(keepingCapacity: true)
    ownTimes.removeAll(keepingCapacity: true)
    (longestLine, textBytes, hasLegacyNames) = (0, 0, true)
    otherInstances.removeAll(keepingCapacity: true)
    labelLengths.removeAll(keepingCapacity: true)
    familyNames.removeAll()
    setLengths.removeAll(keepingCapacity: true)
  }

  mutating func help(_ text: UnsafeRawBufferPointer, ofFamily name: UnsafeRawBufferPointer) {
    let family = family(name)
    guard families[family].help.isEmpty, text.count <= Self.helpLimit else { return }
    let start = texts.count
    defer { families[family].help = start..<texts.count }
    guard let bytes = text.baseAddress, memchr(bytes, Int32(UInt8(ascii: "\\")), text.count) != nil else {
      texts.append(contentsOf: text)
      return
    }
    // Escapes the backslash of an unknown escape sequence.
    var isEscape = false
    for (index, byte) in text.enumerated() {
      if byte == UInt8(ascii: "\\"), !isEscape {
        let next = index + 1 < text.count ? text[index + 1] : 0
        isEscape = next == UInt8(ascii: "\\") || next == UInt8(ascii: "n")
        if !isEscape { texts.append(byte) }
      } else {
        isEscape = false
      }
      texts.append(byte)
    }
  }

  mutating func type(_ type: MetricType, ofFamily name: UnsafeRawBufferPointer) {
    let family = family(name)
    if families[family].type == nil { families[family].type = type }
  }

  mutating func enter(family name: UnsafeRawBufferPointer, sample: UnsafeRawBufferPointer) {
    let rest = UnsafeRawBufferPointer(rebasing: sample[name.count...])
    enter(family: name, suffix: ScrapeShape.suffixes.firstIndex { $0.elementsEqual(rest) } ?? 0)
  }

  mutating func enter(family name: UnsafeRawBufferPointer, suffix: Int) {
    current = family(name)
    self.suffix = suffix
  }

  /// Sets the help and type of the current family unless it has them.
  mutating func copy(help: UnsafeRawBufferPointer, type: MetricType?) {
    if families[current].help.isEmpty, !help.isEmpty {
      let start = texts.count
      texts.append(contentsOf: help)
      families[current].help = start..<texts.count
    }
    if families[current].type == nil { families[current].type = type }
  }

  mutating func add(_ set: borrowing LabelBuilder, index: Int, isOfOtherInstance: Bool = false) {
    // The label sets of dropped families have an index but no labels here.
    while setEnds.count < index { endSet(length: 0) }
    if isOfOtherInstance { otherInstances.append(UInt32(index)) }
    var length = 2
    for label in 0..<set.count {
      let (name, value) = (set.nameBytes(at: label), set.valueBytes(at: label))
      length += name.withUnsafeBytes { name in value.withUnsafeBytes { add(label: name, value: $0) } }
    }
    endSet(length: length)
  }

  /// Copies a label set from another builder.
  /// - Returns: its index here.
  mutating func add(set: Int, of other: borrowing ScrapeBuilder) -> Int {
    var length = 2
    other.labelNames.bytes.withUnsafeBytes { names in
      other.values.bytes.withUnsafeBytes { values in
        for label in other.labels[other.labels(ofSet: set)] {
          let name = UnsafeRawBufferPointer(rebasing: names[other.labelNames.range(of: Int(label.name))])
          let value = UnsafeRawBufferPointer(rebasing: values[other.values.range(of: Int(label.value))])
          length += add(label: name, value: value)
        }
      }
    }
    if other.otherInstances.contains(UInt32(set)) { otherInstances.append(UInt32(setEnds.count)) }
    endSet(length: length)
    return setEnds.count - 1
  }

  func labels(ofSet set: Int) -> Range<Int> {
    (set == 0 ? 0 : Int(setEnds[set - 1]))..<Int(setEnds[set])
  }

  /// Upper bound of the bytes of a line of the current family in the text format: name, suffix, labels, number, time and blanks.
  @inline(__always)
  func lineLength(labels set: Int, number: Int) -> Int {
    families[current].nameLength + 8 + setLengths[set] + number + 24
  }

  /// - Returns: an upper bound of the bytes of the label in the text format.
  private mutating func add(label name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) -> Int {
    let (index, isNew) = labelNames.add(name)
    if isNew {
      labelLengths.append(writtenLength(ofName: name, isLabel: true))
      if labelLengths[index] != name.count { hasLegacyNames = false }
    }
    labels.append(ScrapeShape.Label(name: UInt32(index), value: UInt32(values.add(value).index)))
    return labelLengths[index] + value.count + 4
  }

  private mutating func endSet(length: Int) {
    setEnds.append(UInt32(labels.count))
    setLengths.append(length)
  }

  @inline(__always)
  mutating func sample(labels set: Int, value: UnsafeRawBufferPointer, timestamp: Int64?) {
    let start = numbers.count
    numbers.append(contentsOf: value)
    var time = Self.noTime
    if let timestamp {
      if let known = times.lastIndex(of: timestamp) {
        time = UInt8(known)
      } else if times.count < Self.timesLimit {
        time = UInt8(times.count)
        times.append(timestamp)
      } else {
        time = Self.ownTime
        ownTimes.append((lines.count, timestamp))
      }
    }
    families[current].lineCount += 1
    longestLine = max(longestLine, lineLength(labels: set, number: value.count))
    // A suffix, two blanks, a line feed, and a time of up to 19 digits.
    textBytes += families[current].nameLength + (suffix == 0 ? 0 : 8) + setLengths[set] + value.count + (timestamp == nil ? 3 : 22)
    lines.append(
      Line(family: current, shape: ScrapeShape.Line(set: set, suffix: suffix), time: time, number: start..<numbers.count))
  }

  /// The time of a line.
  func time(ofLine index: Int) -> Int64? {
    switch lines[index].time {
    case Self.noTime: nil
    case Self.ownTime: ownTime(ofLine: index)
    case let time: times[Int(time)]
    }
  }

  private func ownTime(ofLine index: Int) -> Int64? {
    let found = ownTimes.partitioningIndex { $0.line >= index }
    return found < ownTimes.count && ownTimes[found].line == index ? ownTimes[found].time : nil
  }

  private mutating func family(_ name: UnsafeRawBufferPointer) -> Int {
    let (index, isNew) = familyNames.add(name)
    if isNew {
      let start = texts.count
      texts.append(contentsOf: name)
      let length = writtenLength(ofName: name, isLabel: false)
      if length != name.count { hasLegacyNames = false }
      families.append(Family(name: start..<texts.count, help: texts.count..<texts.count, nameLength: length))
    }
    return index
  }
}
