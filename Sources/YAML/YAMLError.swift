/// Why a text could not be read as YAML, or not as what its reader wanted, and where. Quotes keys, and values only where the reader
/// wanted a number or a truth value: a text may hold passwords.
package struct YAMLError: Error, Hashable, Sendable {
  package enum Phase: Hashable, Sendable {
    /// The text is not YAML, or is of the part of YAML that we refuse.
    case parsing
    /// The text is larger than `YAMLLimits` allow.
    case limit
    /// The text is sound, and is not what its reader wanted.
    case reading
  }

  package var phase: Phase
  package var mark: YAMLMark
  /// What is wrong, as half a sentence.
  package var what: String
  /// What to do about it, as half a sentence.
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

/// A place in a text.
package struct YAMLMark: Hashable, Sendable {
  /// The file's name, or what the text was said to be.
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
