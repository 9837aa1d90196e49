internal import ArgumentParser
internal import JSON
internal import Primitives

/// The output formats of lists.
enum ListFormat: String, CaseIterable, ExpressibleByArgument {
  case table
  /// The table with more columns.
  case wide
  case json, yaml
  /// One name a line, as kubectl takes it.
  case name
}

/// How items of a response become rows.
struct ListOutput: Sendable {
  struct Column: Sendable {
    var heading: String
    var isNumber = false
    /// Whether only the wide format has it.
    var isWide = false
    var color: @Sendable (JSONValue) -> Terminal.Color? = { _ in nil }
    var text: @Sendable (JSONValue) -> String
  }

  var columns: [Column]
  /// Such as `pod/web-0`.
  var name: @Sendable (JSONValue) -> String
  /// What to say instead of an empty table.
  var empty: String

  /// - Parameters:
  ///   - document: the whole response, for JSON and YAML.
  ///   - items: what the other formats show of it.
  ///   - terminal: a table that does not fit it has a line for each cell.
  func text(_ document: JSONValue, _ items: [JSONValue], as format: ListFormat, on terminal: Terminal = .none) -> String {
    switch format {
    case .json: return document.prettyText + "\n"
    case .yaml: return document.yaml
    case .name:
      var seen: Set<String> = []
      return items.map(name).filter { seen.insert($0).inserted }.map { "\(printable($0))\n" }.joined()
    case .table, .wide:
      if items.isEmpty { return empty + "\n" }
      let columns = columns.filter { format == .wide || !$0.isWide }
      var table = TextTable(columns.map { $0.isNumber ? .number($0.heading) : .name($0.heading) })
      for item in items { table.add(columns.map { printable($0.text(item)) }) }
      func style(row: Int, column: Int, cell: String) -> String { terminal.colored(cell, columns[column].color(items[row])) }
      if let width = terminal.width, table.width > width { return table.blocks(style) }
      return table.text(style)
    }
  }
}

extension ListOutput.Column {
  /// The member of each item with this name; empty without one.
  static func text(_ heading: String, _ key: String, isWide: Bool = false, color: Terminal.Color? = nil) -> Self {
    Self(heading: heading, isWide: isWide, color: { _ in color }) { $0[key]?.string ?? "" }
  }

  static func number(_ heading: String, _ key: String) -> Self {
    Self(heading: heading, isNumber: true) { "\($0[key]?.integer ?? 0)" }
  }

  /// The number of gaps.
  static let gaps = Self(heading: "GAPS", isNumber: true, color: { $0["gaps"]?.integer ?? 0 > 0 ? .red : nil }) {
    "\($0["gaps"]?.integer ?? 0)"
  }

  static func workload(isWide: Bool = false) -> Self {
    Self(heading: "WORKLOAD", isWide: isWide) { item in
      guard let kind = item["workload"]?["kind"]?.string, let name = item["workload"]?["name"]?.string else { return "" }
      return "\(kind)/\(name)"
    }
  }
}

/// Without control characters, which a terminal would obey: texts come from scrapers, exporters and objects.
func printable(_ text: String) -> String {
  String(String.UnicodeScalarView(text.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : $0 }))
}

/// Seconds as `45s`, `12m5s`, `3h10m` or `4d2h`: at most two units.
func age(_ seconds: Int64) -> String {
  let units: [(name: String, seconds: Int64)] = [("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)]
  let seconds = max(seconds, 0)
  guard let first = units.firstIndex(where: { seconds >= $0.seconds }) else { return "0s" }
  var text = "\(seconds / units[first].seconds)\(units[first].name)"
  if first + 1 < units.count {
    let next = seconds % units[first].seconds / units[first + 1].seconds
    if next > 0 { text += "\(next)\(units[first + 1].name)" }
  }
  return text
}

extension JSONValue {
  /// As a YAML document in block style with sorted keys.
  var yaml: String {
    var text = ""
    writeYAML(into: &text, indentation: 0)
    return text.hasPrefix("\n") ? String(text.dropFirst()) : text
  }

  /// Starts with a line break, or with a space before what fits on the line.
  private func writeYAML(into text: inout String, indentation: Int) {
    let start = "\n" + String(repeating: " ", count: indentation)
    switch self {
    case .object(let members) where !members.isEmpty:
      for (key, value) in members.sorted(by: { $0.key < $1.key }) {
        text += "\(start)\(JSONValue.string(key).yamlScalar):"
        value.writeYAML(into: &text, indentation: indentation + 2)
      }
    case .array(let elements) where !elements.isEmpty:
      for element in elements {
        text += "\(start)-"
        var item = ""
        element.writeYAML(into: &item, indentation: indentation + 2)
        // The first member of an object goes on the line of its hyphen.
        let lead = "\n" + String(repeating: " ", count: indentation + 2)
        text += item.hasPrefix(lead) ? " " + item.dropFirst(lead.count) : item[...]
      }
    default: text += " \(yamlScalar)"
    }
    if indentation == 0 { text += "\n" }
  }

  /// A string that could be anything else is quoted, as JSON, which YAML includes.
  private var yamlScalar: String {
    if let string, isPlain(string) { return string }
    return String(decoding: bytes, as: UTF8.self)
  }

  private func isPlain(_ text: String) -> Bool {
    guard let first = text.utf8.first, UInt8(ascii: "A")...UInt8(ascii: "Z") ~= first & 0xdf else { return false }
    let words = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
    return !words.contains(text.lowercased())
      && text.utf8.allSatisfy { byte in
        switch UnicodeScalar(byte) {
        case "a"..."z", "A"..."Z", "0"..."9", "-", "_", ".", "/": true
        default: false
        }
      }
  }
}
