internal import Exposition

/// The samples of a page that has been judged and rewritten, in the page's order. To be read while it is handed over: the memory is used
/// for the next page.
package struct CollectedScrape: Sendable {
  private let draft: ScrapeBuilder

  init(_ draft: ScrapeBuilder) {
    self.draft = draft
  }

  package var sampleCount: Int { draft.lines.count }

  /// Label sets are numbered from 0; samples share them. One that no sample of this page has may be empty.
  package var labelSetCount: Int { draft.setEnds.count }

  /// Calls `each` with the labels of a set; values are escaped as in the text format.
  package func labels(ofSet set: Int, _ each: (_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Void) {
    draft.labelNames.bytes.withUnsafeBytes { names in
      draft.values.bytes.withUnsafeBytes { values in
        for label in draft.labels[draft.labels(ofSet: set)] {
          each(
            UnsafeRawBufferPointer(rebasing: names[draft.labelNames.range(of: Int(label.name))]),
            UnsafeRawBufferPointer(rebasing: values[draft.values.range(of: Int(label.value))]))
        }
      }
    }
  }

  /// What is handed over of one sample.
  package struct Sample {
    /// The same number, the same name.
    package var nameNumber: Int
    /// The name: that of the family, and what stands behind it.
    package var family: UnsafeRawBufferPointer
    package var suffix: UnsafeRawBufferPointer
    package var labelSet: Int
    /// As it is written on the page.
    package var number: UnsafeRawBufferPointer
    /// Milliseconds since 1970.
    package var time: Int64?
  }

  package func samples(_ each: (Sample) -> Void) {
    draft.texts.withUnsafeBytes { texts in
      draft.numbers.withUnsafeBytes { numbers in
        for (place, line) in draft.lines.enumerated() {
          ScrapeShape.suffixes[line.shape.suffix].withUnsafeBytes { suffix in
            each(
              Sample(
                nameNumber: line.family * ScrapeShape.suffixes.count + line.shape.suffix,
                family: UnsafeRawBufferPointer(rebasing: texts[draft.families[line.family].name]), suffix: suffix,
                labelSet: line.shape.set, number: UnsafeRawBufferPointer(rebasing: numbers[line.number]), time: draft.time(ofLine: place)))
          }
        }
      }
    }
  }
}

/// Who is handed the pages of virtual nodes as they arrive, beside the pages that are held to be served. Calls come from many tasks at
/// once, those about one page one after the other; they return soon and wait for nobody.
package protocol ScrapeSink: Sendable {
  /// A page arrived, and is sound as a whole.
  func take(_ page: CollectedScrape, _ key: VirtualScrapeCache.Key, of node: String)
  /// A round has ended: of the node, the pages under other keys are of pods that are gone.
  func retain(_ keys: Set<VirtualScrapeCache.Key>, of node: String)
  /// The node is gone.
  func forget(_ node: String)
}
