internal import JSON

/// The names of the metrics that a PromQL expression reads.
///
/// Not those below `absent` and `absent_over_time`, which are meant to have no data, nor those of selectors without one fixed name.
enum MetricNames {
  fileprivate static let absence: Set<String> = ["absent", "absent_over_time"]

  /// By a scraper's own parser.
  ///
  /// Source: `translateAST` in web/api/v1/translate_ast.go of Prometheus.
  /// - Parameter tree: the answer of `/api/v1/parse_query`.
  static func inSyntaxTree(_ tree: JSONValue) -> Set<String> {
    var names: Set<String> = []
    collect(tree, into: &names)
    return names
  }

  private static func collect(_ node: JSONValue, into names: inout Set<String>) {
    if let elements = node.array {
      for element in elements { collect(element, into: &names) }
      return
    }
    guard let members = node.object else { return }
    switch members["type"]?.string {
    case "vectorSelector", "matrixSelector":
      let matcher = (members["matchers"]?.array ?? []).first { $0["name"] == "__name__" && $0["type"] == "=" }
      if let name = matcher?["value"]?.string { names.insert(name) }
    case "call" where absence.contains(members["func"]?["name"]?.string ?? ""): break
    default: for (_, value) in members { collect(value, into: &names) }
    }
  }

  /// By our own reading, for scrapers without such a parser: those before Prometheus 3.0.
  ///
  /// The expression is expected to be valid: the Prometheus Operator refuses others. Source: promql/parser/lex.go of Prometheus.
  static func inExpression(_ expression: String) -> Set<String> {
    var reader = ExpressionReader(expression)
    reader.read()
    return reader.names
  }

  /// Finds the names in an expression: identifiers that are neither keywords nor functions, and matchers of `__name__`.
  private struct ExpressionReader {
    /// Words that are operators, or that a number or a list of labels follows.
    private static let keywords: Set<String> = ["and", "or", "unless", "atan2", "bool", "offset", "inf", "nan", "start", "end", "fill"]
    /// Words that a list of labels in parentheses may follow.
    private static let labelLists: Set<String> = ["by", "without", "on", "ignoring", "group_left", "group_right"]
    private static let aggregations: Set<String> = [
      "sum", "avg", "count", "min", "max", "group", "stddev", "stdvar", "topk", "bottomk", "count_values", "quantile", "limitk",
      "limit_ratio",
    ]

    private let bytes: [UInt8]
    private var position = 0
    private(set) var names: Set<String> = []

    init(_ expression: String) {
      bytes = Array(expression.utf8)
    }

    mutating func read() {
      while let byte = peek() {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "`"): _ = readString()
        case UInt8(ascii: "["): skip(to: UInt8(ascii: "]"))
        case UInt8(ascii: "{"): readMatchers(ofNamed: false)
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."): _ = readWord()
        case _ where isWordStart(byte): readIdentifier()
        default: position += 1
        }
      }
    }

    private mutating func readIdentifier() {
      let word = readWord()
      let lower = word.lowercased()
      let next = peek()
      if Self.labelLists.contains(lower) {
        if next == UInt8(ascii: "(") { skip(to: UInt8(ascii: ")")) }
      } else if next == UInt8(ascii: "(") {
        if MetricNames.absence.contains(lower) { skipParentheses() }
      } else if Self.aggregations.contains(lower), isLabelListNext() {
        // `sum by (label) (…)`: any other word of these is the name of a metric.
      } else if !Self.keywords.contains(lower) {
        names.insert(word)
        if next == UInt8(ascii: "{") { readMatchers(ofNamed: true) }
      }
    }

    /// Reads `{…}`, where a name may be given as `__name__="name"` or as `"name"`.
    private mutating func readMatchers(ofNamed isNamed: Bool) {
      position += 1
      while let byte = peek(), byte != UInt8(ascii: "}") {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "`"):
          let text = readString()
          let isLabel = peek() == UInt8(ascii: "=") || peek() == UInt8(ascii: "!")
          if isLabel { skipMatch() } else if !isNamed { names.insert(text) }
        case _ where isWordStart(byte):
          let label = readWord()
          let isEqual = peek() == UInt8(ascii: "=") && !(position + 1 < bytes.count && bytes[position + 1] == UInt8(ascii: "~"))
          if label == "__name__", isEqual {
            position += 1
            if peek() != nil { names.insert(readString()) }
          } else {
            skipMatch()
          }
        default: position += 1
        }
      }
      position += 1
    }

    /// Skips the operator and the value of a matcher.
    private mutating func skipMatch() {
      while let byte = peek(), byte == UInt8(ascii: "=") || byte == UInt8(ascii: "!") || byte == UInt8(ascii: "~") { position += 1 }
      _ = readString()
    }

    private mutating func isLabelListNext() -> Bool {
      let start = position
      defer { position = start }
      guard let byte = peek(), isWordStart(byte) else { return false }
      return ["by", "without"].contains(readWord().lowercased())
    }

    // MARK: Characters

    /// The next byte that is neither white space nor in a comment.
    private mutating func peek() -> UInt8? {
      while position < bytes.count {
        switch bytes[position] {
        case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\n"), UInt8(ascii: "\r"): position += 1
        case UInt8(ascii: "#"): while position < bytes.count, bytes[position] != UInt8(ascii: "\n") { position += 1 }
        default: return bytes[position]
        }
      }
      return nil
    }

    private func isWordStart(_ byte: UInt8) -> Bool {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"), UInt8(ascii: ":"): true
      default: false
      }
    }

    /// An identifier, a number or a duration.
    private mutating func readWord() -> String {
      let start = position
      while position < bytes.count {
        let byte = bytes[position]
        guard isWordStart(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: ".") else { break }
        position += 1
      }
      return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    /// The text between quotes. Escapes in names are rare, and stay as they are.
    private mutating func readString() -> String {
      guard let quote = peek(), [UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "`")].contains(quote) else { return "" }
      position += 1
      let start = position
      while position < bytes.count, bytes[position] != quote {
        position += bytes[position] == UInt8(ascii: "\\") && quote != UInt8(ascii: "`") ? 2 : 1
      }
      let end = min(position, bytes.count)
      position += 1
      return String(decoding: bytes[start..<end], as: UTF8.self)
    }

    private mutating func skip(to end: UInt8) {
      while let byte = peek(), byte != end {
        if [UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "`")].contains(byte) { _ = readString() } else { position += 1 }
      }
      position += 1
    }

    private mutating func skipParentheses() {
      var depth = 0
      while let byte = peek() {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "`"):
          _ = readString()
          continue
        case UInt8(ascii: "("): depth += 1
        case UInt8(ascii: ")"): depth -= 1
        default: break
        }
        position += 1
        if depth == 0 { return }
      }
    }
  }
}
