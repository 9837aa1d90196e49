extension YAMLNode {
  /// Reads a text that holds exactly one document.
  /// - Parameters:
  ///   - bytes: UTF-8, with or without a byte order mark.
  ///   - file: what errors name; the path of the file, or what else the text is.
  /// - Throws: `YAMLError`, with the line and the column.
  package init(parsing bytes: some Sequence<UInt8>, file: String, limits: YAMLLimits = YAMLLimits()) throws(YAMLError) {
    let documents = try Self.documents(parsing: bytes, file: file, limits: limits)
    guard let first = documents.first else {
      throw YAMLError(.reading, at: YAMLMark(file: file, line: 1, column: 1), "there is nothing in it", "write one document")
    }
    if documents.count > 1 {
      throw YAMLError(.reading, at: documents[1].mark, "a second document begins", "keep one, without --- between")
    }
    self = first
  }

  /// Reads a text that holds any number of documents with `---` between them; the empty ones are null.
  package static func documents(
    parsing bytes: some Sequence<UInt8>, file: String, limits: YAMLLimits = YAMLLimits()
  ) throws(YAMLError) -> [YAMLNode] {
    let bytes = Array(bytes)
    guard bytes.count <= limits.bytes else {
      throw YAMLError(
        .limit, at: YAMLMark(file: file, line: 1, column: 1), "\(bytes.count) bytes are more than \(limits.bytes)", "split the text")
    }
    return try EventParser.parse(bytes, file: file) { parser throws(YAMLError) in
      var composer = Composer(limits: limits)
      return try composer.documents(parser)
    }
  }
}
