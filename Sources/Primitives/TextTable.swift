/// A text table whose columns fit their contents.
package struct TextTable {
  /// Names are left-aligned, numbers right-aligned.
  package enum Column {
    case name(String)
    case number(String)
  }

  private let columns: [Column]
  private var rows: [[String]] = []

  package init(_ columns: [Column]) {
    self.columns = columns
  }

  package mutating func add(_ row: [String]) {
    rows.append(row)
  }

  package var isEmpty: Bool { rows.isEmpty }

  package var text: String {
    let headings = columns.map { column in
      switch column {
      case .name(let heading), .number(let heading): heading
      }
    }
    let lines = [headings] + rows
    let widths = headings.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
    return lines.map { line in
      let cells = line.indices.map { index in
        let padding = String(repeating: " ", count: widths[index] - line[index].count)
        if case .name = columns[index] { return line[index] + padding }
        return padding + line[index]
      }
      let text = cells.joined(separator: "  ")
      // Trims the padding of the last column.
      return text.prefix(through: text.lastIndex { $0 != " " } ?? text.startIndex) + "\n"
    }.joined()
  }
}
