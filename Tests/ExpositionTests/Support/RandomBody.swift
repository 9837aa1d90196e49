import Primitives
import TestSupport

/// Generates bodies as exporters write them and as they might: repeated label sets, empty values, escapes, braces in values, blanks
/// wherever the format allows them, unknown escapes, quoted names, and all kinds of numbers.
enum RandomBody {
  private static let values = [
    "", "/x", "/kubepods/pod1/0123456789abcdef", "a}b", "{", "q\\\"uote", "back\\\\slash", "line\\nfeed", "ü😀", "C:\\dir", "p",
    "n \\\"1\\\"", "# x",
  ]
  private static let labels = ["id", "pod", "pod_name", "node", "exported_node", "le", "container", "_x9"]
  private static let numbers = ["0", "1", "-12.5", "+3", "1e+09", "1.7952178058021255e+09", "NaN", "+Inf", "-Inf", "0.000", ".5", "5."]
  private static let types = ["gauge", "counter", "histogram"]
  private static let times = ["0", "1795218028337", "1795218028337", "1795218020001", "9223372036854775807"]

  static func bytes(using random: inout SplitMix64) -> [UInt8] {
    var text = ""
    let sets = (0..<Int.random(in: 1...6, using: &random)).map { _ in set(using: &random) }
    for _ in 0..<Int.random(in: 1...8, using: &random) {
      let family = ["a", "a_total", "drop_a", "b:c", "drop_b_sum", "long_name_of_a_family"].randomElement(using: &random) ?? "a"
      if Bool.random(using: &random) { text += "# HELP \(family) About \(family), with \\\\ and ü.\n" }
      if Bool.random(using: &random) { text += "# TYPE \(family) \(types.randomElement(using: &random) ?? "")\n" }
      if Int.random(in: 0..<6, using: &random) == 0 { text += ["\n", "# a comment\n", "  \n", "#\n"].randomElement(using: &random) ?? "" }
      let suffix = ["", "", "_sum", "_bucket", "_other"].randomElement(using: &random) ?? ""
      for set in sets where Int.random(in: 0..<4, using: &random) > 0 {
        let blank = Int.random(in: 0..<8, using: &random) == 0 ? " \t" : " "
        text += family + suffix + set + blank + (numbers.randomElement(using: &random) ?? "0")
        if Bool.random(using: &random) { text += blank + (times.randomElement(using: &random) ?? "0") }
        text += "\n"
      }
    }
    return Array(text.utf8)
  }

  private static func set(using random: inout SplitMix64) -> String {
    let count = Int.random(in: 0...5, using: &random)
    guard count > 0 else { return Bool.random(using: &random) ? "" : "{}" }
    let names = labels.shuffled(using: &random).prefix(count)
    let separator = Int.random(in: 0..<8, using: &random) == 0 ? " " : ","
    return "{" + names.map { "\($0)=\"\(values.randomElement(using: &random) ?? "")\"" }.joined(separator: separator) + "}"
  }

  private static let oddBytes = Array("\n\t \"\\{},=#+-.eE0NaInf_:".utf8) + [0, 0x7f, 0x80, 0xc3, 0xff]

  static func damage(_ body: inout [UInt8], using random: inout SplitMix64) {
    guard let index = body.indices.randomElement(using: &random), let byte = oddBytes.randomElement(using: &random) else { return }
    switch Int.random(in: 0..<3, using: &random) {
    case 0: body[index] = byte
    case 1: body.insert(byte, at: index)
    default: body.removeSubrange(index..<min(body.count, index + Int.random(in: 1...8, using: &random)))
    }
  }
}
