@testable import Exposition

/// Applies the rewriting of `SampleRule` the plain way: the oracle's samples and strings.
func naivelyRewritten(_ body: [UInt8]) throws -> String {
  let lines = body.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
  let samples = Dictionary(uniqueKeysWithValues: try LineScanner.samples(body).map { ($0.line, $0) })
  var announced = ""
  var output = ""
  for (index, line) in lines.enumerated() {
    let words = line.split(maxSplits: 3, whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)
    if words.count >= 3, words[0] == "#", words[1] == "HELP" || words[1] == "TYPE" {
      announced = words[2]
      if !announced.hasPrefix("drop_") { output += "# \(words[1]) \(announced) \(words.count > 3 ? words[3] : "")\n" }
    } else if let sample = samples[index + 1] {
      let name = sample.name
      let isAnnounced =
        !announced.isEmpty && name.hasPrefix(announced) && FamilySuffix.allCases.contains { $0.rawValue == name.dropFirst(announced.count) }
      if (isAnnounced ? announced : name).hasPrefix("drop_") { continue }
      let labels = SampleRule.naively(sample.labels.map { ($0.name, $0.escapedValue) })
      output += name + "{" + labels.map { "\($0.0)=\"\($0.1)\"" }.joined(separator: ",") + "}"
      // The number and an optional timestamp follow the last brace, or the name if there are no labels.
      let tail = line.lastIndex(of: "}").map { line[line.index(after: $0)...] } ?? line[...]
      let numbers = tail.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst(line.contains("}") ? 0 : 1)
      output += " " + numbers.joined(separator: " ") + "\n"
    }
  }
  return output
}

/// Renames a label, fills another, overrides a third, and drops the families that start with `drop_`.
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

  /// The same for names and escaped values.
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
    if let index = labels.firstIndex(where: { $0.0 == "node" }) {
      if labels[index].1.isEmpty || labels[index].1 == node {
        labels[index].1 = node
      } else {
        labels[index].0 = labels.contains { $0.0 == "exported_node" } ? "exported_exported_node" : "exported_node"
        labels.append(("node", node))
      }
    } else {
      labels.append(("node", node))
    }
    return labels
  }
}
