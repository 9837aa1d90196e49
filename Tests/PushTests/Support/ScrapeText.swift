import Exposition

@testable import Push

extension PushedScrape {
  /// Parses the text format. Series with equal labels share a set.
  init(owner: String = "default/web", _ text: String, at time: Int64 = 1000, endpoint: String = "node-1") throws(ExpositionError) {
    self.init(owner: owner, collectedAt: time, endpoint: endpoint)
    var scrape = self
    var names: [String: Int] = [:]
    var sets: [String: Int] = [:]
    let bytes = Array(text.utf8)
    try scanExposition(bytes, limits: .standard) { sample, text in
      let metric = sample.nameText(in: text)
      let key = sample.labels.map { "\($0.nameText(in: text))=\($0.text(in: text));" }.joined()
      bytes.withUnsafeBytes { bytes in
        let name = names[metric] ?? scrape.addName(UnsafeRawBufferPointer(rebasing: bytes[sample.name]))
        names[metric] = name
        if sets[key] == nil {
          sets[key] = sets.count
          scrape.beginLabelSet()
          for label in sample.labels {
            scrape.addLabel(
              UnsafeRawBufferPointer(rebasing: bytes[label.name]), escapedValue: UnsafeRawBufferPointer(rebasing: bytes[label.value]))
          }
        }
        scrape.addSample(name: name, labelSet: sets[key] ?? 0, value: sample.value)
      }
    }
    self = scrape
  }
}
