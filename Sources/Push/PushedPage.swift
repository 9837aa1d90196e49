/// A page of metrics to be pushed: samples, and the label sets and names that they share.
///
///     var page = PushedPage(owner: "virtual-1/shop/web-0", collectedAt: now, endpoint: "virtual-1")
///     page.beginLabelSet()
///     page.addLabel(name, escapedValue: value)
///     let name = page.addName("container_last_seen")
///     page.addSample(name: name, labelSet: 0, value: 1)
package struct PushedPage: Sendable {
  /// Whose page it is: each page takes the place of the owner's last one.
  package let owner: String
  /// When it was collected, in milliseconds since 1970. All samples are dated so, which no receiver finds out of order: the times that
  /// samples carry are those of other clocks, and stand still where a value is not read anew.
  package let collectedAt: Int64
  /// What Open-Falcon shows the values under, unless they have a label `node`.
  package let endpoint: String

  struct Label: Sendable {
    var name: Range<Int>
    /// Without the escapes of the text format.
    var value: Range<Int>
  }

  struct Sample: Sendable {
    var name: Int32
    var labelSet: Int32
    var value: Double
  }

  /// Of names and values.
  private(set) var text: [UInt8] = []
  private(set) var names: [Range<Int>] = []
  private(set) var labels: [Label] = []
  /// Where each set begins in `labels`.
  private(set) var setStarts: [Int] = []
  private(set) var samples: [Sample] = []

  package init(owner: String, collectedAt: Int64, endpoint: String) {
    self.owner = owner
    self.collectedAt = collectedAt
    self.endpoint = endpoint
  }

  package mutating func reserve(samples count: Int) {
    samples.reserveCapacity(count)
  }

  /// The labels that follow are of a new set. Sets are numbered from 0.
  package mutating func beginLabelSet() {
    setStarts.append(labels.count)
  }

  /// An empty value is the same as no label, and is left out. A metric's name is no label here.
  /// - Parameter escapedValue: with the escapes of the text format: `\\`, `\"` and `\n`.
  package mutating func addLabel(_ name: UnsafeRawBufferPointer, escapedValue: UnsafeRawBufferPointer) {
    guard !escapedValue.isEmpty, !name.elementsEqual("__name__".utf8) else { return }
    let nameRange = append(name)
    let start = text.count
    if escapedValue.contains(UInt8(ascii: "\\")) {
      var isEscape = false
      for byte in escapedValue {
        if isEscape {
          text.append(byte == UInt8(ascii: "n") ? UInt8(ascii: "\n") : byte)
          isEscape = false
        } else if byte == UInt8(ascii: "\\") {
          isEscape = true
        } else {
          text.append(byte)
        }
      }
    } else {
      text.append(contentsOf: escapedValue)
    }
    labels.append(Label(name: nameRange, value: start..<text.count))
  }

  /// - Returns: the name's number.
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
}

extension PushedPage {
  /// For sets and names that are ours: nothing in them needs to be escaped but what `escapedValue` says.
  package mutating func addLabel(_ name: StaticString, _ value: String) {
    guard !value.isEmpty else { return }
    let nameRange = name.withUTF8Buffer { append(UnsafeRawBufferPointer($0)) }
    let start = text.count
    text.append(contentsOf: value.utf8)
    labels.append(Label(name: nameRange, value: start..<text.count))
  }

  /// - Returns: the name's number.
  package mutating func addName(_ name: StaticString) -> Int {
    name.withUTF8Buffer { addName(UnsafeRawBufferPointer($0)) }
  }
}
