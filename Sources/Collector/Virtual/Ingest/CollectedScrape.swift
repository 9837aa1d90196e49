package import Exposition

/// The validated and rewritten samples of a scrape, in the order of the body, with legacy names, which every receiver accepts. Valid during
/// the call that passes it on: its memory is reused.
package struct CollectedScrape: Sendable {
  private let builder: ScrapeBuilder
  /// By label and by family. `nil` if all names are legacy names.
  private let legacyNames: (labels: [[UInt8]], families: [[UInt8]])?

  init(_ builder: ScrapeBuilder) {
    self.builder = builder
    guard !builder.hasLegacyNames else {
      legacyNames = nil
      return
    }
    let labels = (0..<builder.labelNames.count).map { Array(builder.labelNames.bytes[builder.labelNames.range(of: $0)]) }
    let families = builder.families.map { Array(builder.texts[$0.name]) }
    func isLegacy(_ name: [UInt8]) -> Bool { name.withUnsafeBytes { isLegacyName($0, ofLabel: false) } }
    var translator = LegacyNames(ofLabels: false, keeping: families.filter(isLegacy))
    legacyNames = (builder.legacyLabelNames(labels), families.map { isLegacy($0) ? $0 : translator.translation(of: $0) })
  }

  package var sampleCount: Int { builder.lines.count }

  /// Label sets are numbered from 0 and shared by samples. A set that no sample refers to may be empty.
  package var labelSetCount: Int { builder.setEnds.count }

  /// Calls `each` with the labels of a set. Values are escaped as in the text format.
  package func labels(ofSet set: Int, _ each: (_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Void) {
    builder.labelNames.bytes.withUnsafeBytes { names in
      builder.values.bytes.withUnsafeBytes { values in
        for label in builder.labels[builder.labels(ofSet: set)] {
          let value = UnsafeRawBufferPointer(rebasing: values[builder.values.range(of: Int(label.value))])
          if let legacyNames {
            legacyNames.labels[Int(label.name)].withUnsafeBytes { each($0, value) }
          } else {
            each(UnsafeRawBufferPointer(rebasing: names[builder.labelNames.range(of: Int(label.name))]), value)
          }
        }
      }
    }
  }

  /// Calls `each` with every family that has samples. The help text is escaped as in the text format. The buffers are valid during the call
  /// only.
  package func families(
    _ each: (_ name: UnsafeRawBufferPointer, _ type: MetricType?, _ help: UnsafeRawBufferPointer) -> Void
  ) {
    builder.texts.withUnsafeBytes { texts in
      for family in builder.families where family.lineCount > 0 {
        each(UnsafeRawBufferPointer(rebasing: texts[family.name]), family.type, UnsafeRawBufferPointer(rebasing: texts[family.help]))
      }
    }
  }

  /// The buffers are valid during the call only.
  package struct Sample {
    /// Samples with the same number have the same name.
    package var nameNumber: Int
    /// The name is the family's name followed by the suffix.
    package var family: UnsafeRawBufferPointer
    package var suffix: UnsafeRawBufferPointer
    package var labelSet: Int
    /// As written in the body.
    package var number: UnsafeRawBufferPointer
    /// In milliseconds since 1970.
    package var time: Int64?
  }

  package func samples(_ each: (Sample) -> Void) {
    builder.texts.withUnsafeBytes { texts in
      builder.numbers.withUnsafeBytes { numbers in
        for (index, line) in builder.lines.enumerated() {
          ScrapeShape.suffixes[line.shape.suffix].withUnsafeBytes { suffix in
            func pass(_ family: UnsafeRawBufferPointer) {
              each(
                Sample(
                  nameNumber: line.family * ScrapeShape.suffixes.count + line.shape.suffix, family: family, suffix: suffix,
                  labelSet: line.shape.set, number: UnsafeRawBufferPointer(rebasing: numbers[line.number]),
                  time: builder.time(ofLine: index)))
            }
            if let legacyNames {
              legacyNames.families[line.family].withUnsafeBytes(pass)
            } else {
              pass(UnsafeRawBufferPointer(rebasing: texts[builder.families[line.family].name]))
            }
          }
        }
      }
    }
  }
}

/// Receives the scrapes of virtual nodes as they arrive, in addition to the cache. Called from many tasks, but serially for each key.
/// Implementations must return quickly and must not block.
package protocol ScrapeSink: Sendable {
  /// A scrape arrived. It is valid as a whole.
  func receive(_ scrape: CollectedScrape, _ key: VirtualScrapeCache.Key, of node: String)
  /// A roll call ended. Other keys of the node belong to pods that no longer exist.
  func retain(_ keys: Set<VirtualScrapeCache.Key>, of node: String)
  /// The node was deleted.
  func forget(_ node: String)
}
