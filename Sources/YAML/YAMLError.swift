/// A syntax error, an exceeded limit or an unexpected value, with its position. Quotes keys, but values only if a number or boolean was
/// expected, since a text may contain passwords.
package struct YAMLError: Error, Hashable, Sendable {
  package enum Phase: Hashable, Sendable {
    /// Invalid YAML, or an unsupported feature of YAML.
    case parsing
    /// The text exceeds `YAMLLimits`.
    case limit
    /// Valid YAML, but not the expected value.
    case reading
  }

  package var phase: Phase
  package var mark: YAMLMark
  /// The problem, as a phrase.
  package var what: String
  /// How to fix it, as a phrase.
  package var remedy: String

  package init(_ phase: Phase, at mark: YAMLMark, _ what: String, _ remedy: String) {
    self.phase = phase
    self.mark = mark
    self.what = what
    self.remedy = remedy
  }
}

extension YAMLError: CustomStringConvertible {
  package var description: String { "\(mark): \(what); \(remedy)" }
}

/// A position in a text.
package struct YAMLMark: Hashable, Sendable {
  /// The file's path, or a description of the text.
  package var file: String
  /// Counted from 1.
  package var line: Int
  /// Counted from 1, in characters.
  package var column: Int

  package init(file: String, line: Int, column: Int) {
    self.file = file
    self.line = line
    self.column = column
  }
}

extension YAMLMark: CustomStringConvertible {
  /// `file:line:column`, as compilers write it.
  package var description: String { "\(file):\(line):\(column)" }
}
