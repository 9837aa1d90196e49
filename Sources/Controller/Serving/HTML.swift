/// Builds HTML. Text from outside can only be added by `text`, which escapes it (R62).
struct HTML {
  private(set) var source = ""

  /// Adds literal markup.
  mutating func markup(_ markup: StaticString) {
    source += "\(markup)"
  }

  mutating func text(_ text: String) {
    for character in text.unicodeScalars {
      switch character {
      case "&": source += "&amp;"
      case "<": source += "&lt;"
      case ">": source += "&gt;"
      case "\"": source += "&quot;"
      case "'": source += "&#39;"
      // Control characters are not allowed in HTML.
      case _ where character.value < 0x20 && character != "\n" && character != "\t": source += "\u{fffd}"
      default: source.unicodeScalars.append(character)
      }
    }
  }

  mutating func row(_ cells: [String]) {
    markup("<tr>")
    for cell in cells {
      markup("<td>")
      text(cell)
      markup("</td>")
    }
    markup("</tr>\n")
  }

  mutating func table(_ headings: [String], _ rows: some Sequence<[String]>) {
    markup("<table><thead><tr>")
    for heading in headings {
      markup("<th>")
      text(heading)
      markup("</th>")
    }
    markup("</tr></thead><tbody>\n")
    for cells in rows { row(cells) }
    markup("</tbody></table>\n")
  }

  mutating func paragraph(_ content: String) {
    markup("<p>")
    text(content)
    markup("</p>\n")
  }

  mutating func heading(_ content: String) {
    markup("<h2>")
    text(content)
    markup("</h2>\n")
  }
}
