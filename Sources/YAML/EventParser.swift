internal import CYAML

/// A libyaml event, copied out of libyaml's memory.
enum YAMLEvent {
  case streamStart, streamEnd, documentStart, documentEnd
  case alias(anchor: String)
  case scalar(Opening, text: String, isPlain: Bool)
  case sequenceStart(Opening), sequenceEnd
  case mappingStart(Opening), mappingEnd

  /// The properties of a value.
  struct Opening {
    var anchor: String?
    var tag: String?
  }
}

/// Owns a libyaml parser. The input must outlive it.
struct EventParser: ~Copyable {
  /// Heap-allocated, because the struct must not move: it contains a pointer to itself.
  private let parser: UnsafeMutablePointer<yaml_parser_t>
  private let input: UnsafeBufferPointer<UInt8>
  private let file: String

  /// Runs `body` with a parser over `bytes`. The parser is valid during `body` only.
  static func parse<Result>(
    _ bytes: [UInt8], file: String, body: (borrowing EventParser) throws(YAMLError) -> Result
  ) throws(YAMLError) -> Result {
    try bytes.withUnsafeBufferPointer { input throws(YAMLError) in
      let parser = try EventParser(input, file: file)
      try parser.refuseManyTagDirectives()
      return try body(parser)
    }
  }

  private init(_ input: UnsafeBufferPointer<UInt8>, file: String) throws(YAMLError) {
    let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
    guard yaml_parser_initialize(parser) == 1 else {
      parser.deallocate()
      throw Self.outOfMemory(at: YAMLMark(file: file, line: 1, column: 1))
    }
    self.parser = parser
    self.input = input
    self.file = file
    yaml_parser_set_input_string(parser, input.baseAddress, input.count)
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
  }

  deinit {
    yaml_parser_delete(parser)
    parser.deallocate()
  }

  /// The next event and its start. Do not call again after an error or `streamEnd`.
  func next() throws(YAMLError) -> (event: YAMLEvent, mark: YAMLMark) {
    var event = yaml_event_t()
    guard yaml_parser_parse(parser, &event) == 1 else { throw failure() }
    defer { yaml_event_delete(&event) }
    return (Self.copy(event), mark(event.start_mark))
  }

  private static func copy(_ event: yaml_event_t) -> YAMLEvent {
    switch event.type {
    case YAML_STREAM_START_EVENT: return .streamStart
    case YAML_DOCUMENT_START_EVENT: return .documentStart
    case YAML_DOCUMENT_END_EVENT: return .documentEnd
    case YAML_ALIAS_EVENT: return .alias(anchor: text(event.data.alias.anchor) ?? "")
    case YAML_SCALAR_EVENT:
      let scalar = event.data.scalar
      let bytes = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
      return .scalar(
        opening(scalar.anchor, scalar.tag), text: String(decoding: bytes, as: UTF8.self), isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE)
    case YAML_SEQUENCE_START_EVENT: return .sequenceStart(opening(event.data.sequence_start.anchor, event.data.sequence_start.tag))
    case YAML_SEQUENCE_END_EVENT: return .sequenceEnd
    case YAML_MAPPING_START_EVENT: return .mappingStart(opening(event.data.mapping_start.anchor, event.data.mapping_start.tag))
    case YAML_MAPPING_END_EVENT: return .mappingEnd
    default: return .streamEnd  // YAML_STREAM_END_EVENT, and YAML_NO_EVENT after it.
    }
  }

  private static func opening(_ anchor: UnsafePointer<UInt8>?, _ tag: UnsafePointer<UInt8>?) -> YAMLEvent.Opening {
    YAMLEvent.Opening(anchor: text(anchor), tag: text(tag))
  }

  /// libyaml guarantees valid UTF-8.
  private static func text(_ bytes: UnsafePointer<UInt8>?) -> String? {
    bytes.map { String(cString: $0) }
  }
}

// MARK: Limits that libyaml does not have

extension EventParser {
  /// libyaml compares each tag directive with all previous ones; 1 MiB of directives would take 10 s.
  private func refuseManyTagDirectives() throws(YAMLError) {
    let maximum = 100
    let directive = Array("%TAG".utf8)
    var count = 0
    var rest = input[...]
    while let start = rest.firstIndex(of: directive[0]) {
      rest = rest[start...]
      if rest.starts(with: directive) { count += 1 }
      if count > maximum { throw YAMLError(.limit, at: mark(byteOffset: start), "more than \(maximum) tag directives", "remove them") }
      rest = rest.dropFirst()
    }
  }
}

// MARK: Failures

extension EventParser {
  private func failure() -> YAMLError {
    let problem = parser.pointee.problem.map { String(cString: $0) } ?? "no reason given"
    switch parser.pointee.error {
    case YAML_MEMORY_ERROR:
      return Self.outOfMemory(at: mark(parser.pointee.mark))
    case YAML_READER_ERROR:
      let mark = mark(byteOffset: parser.pointee.problem_offset)
      return YAMLError(
        .parsing, at: mark, "the text is not UTF-8 or contains a control character (\(problem))", "save the file as UTF-8 text")
    default:
      var what = "invalid YAML: \(problem)"
      if let context = parser.pointee.context {
        let start = mark(parser.pointee.context_mark)
        what += ", \(String(cString: context)) that starts at line \(start.line), column \(start.column)"
      }
      return YAMLError(.parsing, at: mark(parser.pointee.problem_mark), what, "check indentation and quotes there and above")
    }
  }

  private static func outOfMemory(at mark: YAMLMark) -> YAMLError {
    YAMLError(.limit, at: mark, "out of memory", "free memory, or make the text smaller")
  }

  private func mark(_ mark: yaml_mark_t) -> YAMLMark {
    YAMLMark(file: file, line: Int(mark.line) + 1, column: Int(mark.column) + 1)
  }

  /// For errors before libyaml counts lines.
  private func mark(byteOffset: Int) -> YAMLMark {
    let before = input.prefix(byteOffset)
    let lineStart = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
    return YAMLMark(
      file: file, line: before.count { $0 == UInt8(ascii: "\n") } + 1,
      column: String(decoding: before[lineStart...], as: UTF8.self).unicodeScalars.count + 1)
  }
}
