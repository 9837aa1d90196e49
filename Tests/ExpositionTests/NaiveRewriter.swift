@testable import Exposition

/// The same rewriting as the rule's below, done the plain way over `scanExposition` and strings.
func naivelyRewritten(_ page: [UInt8], limits: ExpositionLimits = .standard, keepsTimestamps: Bool = true) throws -> String {
  var samples: [Int: String] = [:]
  var family = ""
  var families: [Int: String] = [:]
  var output = ""
  let lines = page.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
  for (index, line) in lines.enumerated() {
    let words = line.split(maxSplits: 3, whereSeparator: { $0 == " " || $0 == "\t" })
    if words.count >= 3, words[0] == "#", words[1] == "HELP" || words[1] == "TYPE" { family = String(words[2]) }
    families[index + 1] = family
  }
  try scanExposition(page, limits: limits) { sample, text in
    let name = sample.nameText(in: text)
    let announced = families[sample.line] ?? ""
    let isOfFamily = name.hasPrefix(announced) && FamilySuffix.allCases.contains { $0.rawValue == name.dropFirst(announced.count) }
    if (!announced.isEmpty && isOfFamily ? announced : name).hasPrefix("drop_") { return }
    let labels = SampleRule.naively(sample.labels.map { (String(text: $0.name, of: text), String(text: $0.value, of: text)) })
    samples[sample.line] = name + "{" + labels.map { "\($0.0)=\"\($0.1)\"" }.joined(separator: ",") + "}"
  }
  for (index, line) in lines.enumerated() {
    let words = line.split(maxSplits: 3, whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)
    if words.first == "#", words.count >= 3, words[1] == "HELP" || words[1] == "TYPE" {
      if !words[2].hasPrefix("drop_") { output += "# \(words[1]) \(words[2]) \(words.count > 3 ? words[3] : "")\n" }
    } else if let sample = samples[index + 1] {
      // Behind the last brace, or behind the name, come the number, perhaps a time, and perhaps an exemplar.
      let exemplar = line.firstRange(of: " # ")
      let plain = exemplar.map { String(line[..<$0.lowerBound]) } ?? line
      let tail = plain.contains("}") ? String(plain[plain.index(after: plain.lastIndex(of: "}") ?? plain.startIndex)...]) : plain
      var numbers = tail.split(whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)
      if !plain.contains("}") { numbers.removeFirst() }
      output += sample + " " + numbers[0] + (numbers.count > 1 && keepsTimestamps ? " \(numbers[1])" : "") + "\n"
    }
  }
  return output
}

/// Old names translated, one label filled in, one overridden; families that begin with `drop_` dropped.
struct SampleRule: LabelRule {
  func treatment(ofFamily name: UnsafeRawBufferPointer) -> FamilyTreatment {
    let name = String(decoding: name, as: UTF8.self)
    return name.hasPrefix("drop_") ? .drop : .keep(name.hasPrefix("b") ? 1 : 0)
  }

  func rewrite(_ labels: inout LabelBuilder, treatment: UInt8) {
    labels.rename("pod_name", to: "pod")
    labels.fill("pod", with: EscapedLabelValue("web-0"))
    labels.override("node", with: EscapedLabelValue("n \"1\""))
  }

  static func naively(_ labels: [(String, String)]) -> [(String, String)] {
    var labels = labels
    if let old = labels.firstIndex(where: { $0.0 == "pod_name" }) {
      if let new = labels.firstIndex(where: { $0.0 == "pod" }) {
        if labels[new].1.isEmpty { labels[new].1 = labels[old].1 }
        labels.remove(at: old)
      } else {
        labels[old].0 = "pod"
      }
    }
    if let pod = labels.firstIndex(where: { $0.0 == "pod" }) {
      if labels[pod].1.isEmpty { labels[pod].1 = "web-0" }
    } else {
      labels.append(("pod", "web-0"))
    }
    let node = "n \\\"1\\\""
    if let place = labels.firstIndex(where: { $0.0 == "node" }) {
      if labels[place].1.isEmpty || labels[place].1 == node {
        labels[place].1 = node
      } else {
        labels[place].0 = labels.contains { $0.0 == "exported_node" } ? "exported_exported_node" : "exported_node"
        labels.append(("node", node))
      }
    } else {
      labels.append(("node", node))
    }
    return labels
  }
}

extension String {
  fileprivate init(text range: Range<Int>, of page: Span<UInt8>) {
    self = page.extracting(range).text
  }
}
