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

  private var headings: [String] {
    columns.map { column in
      switch column {
      case .name(let heading), .number(let heading): heading
      }
    }
  }

  private var widths: [Int] {
    let lines = [headings] + rows
    return columns.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
  }

  /// Of the longest line, in characters.
  package var width: Int { widths.reduce(0, +) + max(columns.count - 1, 0) * 2 }

  package var text: String { text { _, _, cell in cell } }

  /// - Parameter style: may add what has no width, such as colors, to a cell of a row.
  package func text(_ style: (_ row: Int, _ column: Int, _ cell: String) -> String) -> String {
    let widths = widths
    let lines = [line(headings, widths)] + rows.enumerated().map { row, cells in line(cells, widths) { style(row, $0, $1) } }
    return lines.joined()
  }

  private func line(_ row: [String], _ widths: [Int], style: (_ column: Int, _ cell: String) -> String = { $1 }) -> String {
    let last = row.lastIndex { !$0.isEmpty } ?? 0
    let cells = row.indices.prefix(through: last).map { index in
      let padding = String(repeating: " ", count: widths[index] - row[index].count)
      let cell = style(index, row[index])
      // No padding at the end of a line.
      if case .name = columns[index] { return index == last ? cell : cell + padding }
      return padding + cell
    }
    return cells.joined(separator: "  ") + "\n"
  }

  /// Each row as lines of its own, a heading and its cell, with an empty line between rows. For a width that the table does not fit.
  package func blocks(_ style: (_ row: Int, _ column: Int, _ cell: String) -> String = { $2 }) -> String {
    let width = headings.map(\.count).max() ?? 0
    return rows.enumerated().map { row, cells in
      cells.indices.filter { !cells[$0].isEmpty }.map { column in
        headings[column] + String(repeating: " ", count: width - headings[column].count + 2) + style(row, column, cells[column]) + "\n"
      }.joined()
    }.joined(separator: "\n")
  }
}
