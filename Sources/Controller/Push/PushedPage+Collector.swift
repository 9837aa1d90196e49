internal import Collector
internal import Exposition
internal import Push

extension PushedScrape {
  /// - Parameter families: those that the receiver is given.
  init(_ page: CollectedPage, owner: String, collectedAt: Int64, endpoint: String, families: FamilyFilter) {
    self.init(owner: owner, collectedAt: collectedAt, endpoint: endpoint)
    var pushed = self
    for set in 0..<page.labelSetCount {
      pushed.beginLabelSet()
      page.labels(ofSet: set) { name, value in pushed.addLabel(name, escapedValue: value) }
    }
    pushed.reserve(samples: page.sampleCount)
    /// By the page's own number; -1 where the family is not for the receiver.
    var names: [Int: Int] = [:]
    var current: (number: Int, name: Int) = (-1, -1)
    page.samples { sample in
      if sample.nameNumber != current.number {
        if names[sample.nameNumber] == nil {
          names[sample.nameNumber] = families.keeps(sample.family) ? pushed.addName(sample.family, sample.suffix) : -1
        }
        current = (sample.nameNumber, names[sample.nameNumber] ?? -1)
      }
      // The page has been read once, and its numbers found to be some.
      guard current.name >= 0, let value = parseNumber(sample.number.bindMemory(to: UInt8.self).span) else { return }
      pushed.addSample(name: current.name, labelSet: sample.labelSet, value: value)
    }
    self = pushed
  }
}
