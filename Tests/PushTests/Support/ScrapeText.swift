import Exposition
import TestSupport

@testable import Push

extension PushedScrape {
  /// Parses the text format. Series with equal labels share a set.
  init(owner: String = "default/web", _ text: String, at time: Int64 = 1000, endpoint: String = "node-1") throws(ExpositionError) {
    self.init(owner: owner, collectedAt: time, endpoint: endpoint)
    var names: [String: Int] = [:]
    var sets: [[ParsedSample.Label]] = []
    for sample in try parsedSamples(Array(text.utf8), rejectsDuplicates: false) {
      let name = names[sample.name] ?? Array(sample.name.utf8).withUnsafeBytes { addName($0) }
      names[sample.name] = name
      let set = sets.firstIndex(of: sample.labels) ?? sets.count
      if set == sets.count {
        sets.append(sample.labels)
        beginLabelSet()
        for label in sample.labels {
          Array(label.name.utf8).withUnsafeBytes { name in
            Array(label.escapedValue.utf8).withUnsafeBytes { addLabel(name, escapedValue: $0) }
          }
        }
      }
      addSample(name: name, labelSet: set, value: sample.value)
    }
  }
}
