extension YAMLNode {
  /// Parses a text with exactly one document.
  /// - Parameters:
  ///   - bytes: UTF-8, with or without a byte order mark, or UTF-16 with one.
  ///   - file: the file's path or a description of the text, for errors.
  /// - Throws: `YAMLError` with line and column.
  package init(parsing bytes: some Sequence<UInt8>, file: String, limits: YAMLLimits = YAMLLimits()) throws(YAMLError) {
    let documents = try Self.documents(parsing: bytes, file: file, limits: limits)
    guard let first = documents.first else {
      throw YAMLError(.reading, at: YAMLMark(file: file, line: 1, column: 1), "no document in the text", "add one")
    }
    if documents.count > 1 {
      throw YAMLError(.reading, at: documents[1].mark, "unexpected second document", "keep one document, without ---")
    }
    self = first
  }

  /// Parses a text with any number of documents, separated by `---`. Empty documents are null.
  package static func documents(
    parsing bytes: some Sequence<UInt8>, file: String, limits: YAMLLimits = YAMLLimits()
  ) throws(YAMLError) -> [YAMLNode] {
    let bytes = Array(bytes)
    guard bytes.count <= limits.bytes else {
      throw YAMLError(
        .limit, at: YAMLMark(file: file, line: 1, column: 1), "\(bytes.count) bytes, more than the limit of \(limits.bytes)",
        "split the text")
    }
    return try EventParser.parse(try utf8(bytes, file: file), file: file) { parser throws(YAMLError) in
      var composer = Composer(limits: limits)
      return try composer.documents(parser)
    }
  }
}

/// The text in UTF-8 without a byte order mark. Windows editors and PowerShell write one, and PowerShell's `>` writes UTF-16.
private func utf8(_ bytes: [UInt8], file: String) throws(YAMLError) -> [UInt8] {
  if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { return Array(bytes.dropFirst(3)) }
  let isLittleEndian = bytes.starts(with: [0xFF, 0xFE])
  guard isLittleEndian || bytes.starts(with: [0xFE, 0xFF]) else { return bytes }
  let units = stride(from: 2, to: bytes.count - 1, by: 2).map { index in
    let (first, second) = (UInt16(bytes[index]), UInt16(bytes[index + 1]))
    return isLittleEndian ? second << 8 | first : first << 8 | second
  }
  guard bytes.count.isMultiple(of: 2), let text = String(validating: units, as: UTF16.self) else {
    throw YAMLError(
      .parsing, at: YAMLMark(file: file, line: 1, column: 1), "the text is not UTF-16, although its byte order mark says so",
      "save the file as UTF-8 text")
  }
  return Array(text.utf8)
}

/// Limits that bound the cost of malicious texts (R25).
package struct YAMLLimits: Hashable, Sendable {
  /// The maximum size of the text, and of all scalars after expanding aliases.
  package var bytes: Int
  /// The maximum number of values and keys in all documents, after expanding aliases.
  package var nodes: Int
  /// The maximum nesting of sequences and mappings. Also bounds the stack, since consumers may recurse.
  package var depth: Int

  package init(bytes: Int = 4 << 20, nodes: Int = 250_000, depth: Int = 100) {
    self.bytes = bytes
    self.nodes = nodes
    self.depth = depth
  }
}
