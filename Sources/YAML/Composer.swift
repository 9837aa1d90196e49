/// Builds node trees from libyaml's events and enforces `YAMLLimits`.
struct Composer {
  private let limits: YAMLLimits
  /// The anchors of the current document whose values are complete.
  private var anchors: [String: Anchored] = [:]
  private var nodes = 0
  private var bytes = 0

  /// An anchored value, with the amounts that each alias adds to the counts.
  private struct Anchored {
    var node: YAMLNode
    var height: Int
    var nodes: Int
    var bytes: Int
  }

  init(limits: YAMLLimits) {
    self.limits = limits
  }

  /// Reads all documents of the stream.
  mutating func documents(_ parser: borrowing EventParser) throws(YAMLError) -> [YAMLNode] {
    var documents: [YAMLNode] = []
    while true {
      switch try parser.next().event {
      case .streamEnd: return documents
      case .documentStart:
        anchors = [:]
        documents.append(try value(try parser.next(), parser, depth: 0).node)
      default: break  // Start of the stream, end of a document.
      }
    }
  }

  /// Reads the value that starts with `first`. The height of a scalar is 0; a collection is one higher than its highest element.
  /// - Parameter depth: the number of enclosing collections.
  private mutating func value(
    _ first: (event: YAMLEvent, mark: YAMLMark), _ parser: borrowing EventParser, depth: Int
  ) throws(YAMLError) -> (node: YAMLNode, height: Int) {
    let (event, mark) = first
    let (nodesBefore, bytesBefore) = (nodes, bytes)
    let kind: YAMLNode.Kind
    let opening: YAMLEvent.Opening
    var height = 0
    switch event {
    case .alias(let anchor):
      return try alias(anchor, at: mark, depth: depth)
    case .scalar(let scalarOpening, let text, let isPlain):
      opening = scalarOpening
      try count(nodes: 1, bytes: text.utf8.count, at: mark)
      kind = .scalar(try scalar(text, isPlain: isPlain, tag: opening.tag, at: mark))
    case .sequenceStart(let sequenceOpening):
      opening = sequenceOpening
      try enter(depth: depth, at: mark)
      try require(opening.tag, .sequence, at: mark)
      let elements: [YAMLNode]
      (elements, height) = try self.elements(parser, depth: depth + 1)
      kind = .sequence(elements)
    case .mappingStart(let mappingOpening):
      opening = mappingOpening
      try enter(depth: depth, at: mark)
      try require(opening.tag, .mapping, at: mark)
      let entries: [YAMLMapping.Entry]
      (entries, height) = try self.entries(parser, depth: depth + 1)
      kind = .mapping(YAMLMapping(entries: entries, mark: mark))
    case .streamStart, .streamEnd, .documentStart, .documentEnd, .sequenceEnd, .mappingEnd:
      throw YAMLError(.parsing, at: mark, "expected a value", "add one")
    }
    let node = YAMLNode(kind: kind, mark: mark)
    if let anchor = opening.anchor {
      anchors[anchor] = Anchored(node: node, height: height, nodes: nodes - nodesBefore, bytes: bytes - bytesBefore)
    }
    return (node, height)
  }

  private mutating func elements(
    _ parser: borrowing EventParser, depth: Int
  ) throws(YAMLError) -> (elements: [YAMLNode], height: Int) {
    var elements: [YAMLNode] = []
    var height = 1
    while true {
      let next = try parser.next()
      if case .sequenceEnd = next.event { return (elements, height) }
      let element = try value(next, parser, depth: depth)
      elements.append(element.node)
      height = max(height, element.height + 1)
    }
  }

  private mutating func entries(
    _ parser: borrowing EventParser, depth: Int
  ) throws(YAMLError) -> (entries: [YAMLMapping.Entry], height: Int) {
    var entries: [YAMLMapping.Entry] = []
    var marks: [[UInt8]: YAMLMark] = [:]
    var height = 1
    while true {
      let next = try parser.next()
      if case .mappingEnd = next.event { return (entries, height) }
      let key = try key(try value(next, parser, depth: depth).node)
      // By its bytes: Swift's strings are also equal if they differ in Unicode normalization.
      if let first = marks.updateValue(next.mark, forKey: Array(key.utf8)) {
        throw YAMLError(
          .parsing, at: next.mark, "duplicate key \"\(shortened(key))\", first in line \(first.line)", "remove one of them")
      }
      let value = try value(try parser.next(), parser, depth: depth)
      entries.append(YAMLMapping.Entry(key: key, keyMark: next.mark, value: value.node))
      height = max(height, value.height + 1)
    }
  }

  private func key(_ node: YAMLNode) throws(YAMLError) -> String {
    guard case .scalar(let scalar) = node.kind else {
      throw YAMLError(.parsing, at: node.mark, "a sequence or mapping as a key", "use a scalar as the key")
    }
    if scalar.text == "<<" && scalar.style == .plain {
      throw YAMLError(
        .parsing, at: node.mark, "merge key (<<), which YAML 1.2 does not support",
        "write the entries out, or quote the key if it is text")
    }
    return scalar.text
  }
}

// MARK: Limits

extension Composer {
  private mutating func alias(_ anchor: String, at mark: YAMLMark, depth: Int) throws(YAMLError) -> (node: YAMLNode, height: Int) {
    guard let anchored = anchors[anchor] else {
      throw YAMLError(
        .parsing, at: mark, "alias for &\(shortened(anchor)), which is not defined before it",
        "define the anchor first, and do not use it within its own value")
    }
    guard depth + anchored.height <= limits.depth else { throw tooDeep(at: mark) }
    try count(nodes: anchored.nodes, bytes: anchored.bytes, at: mark)
    return (anchored.node, anchored.height)
  }

  private mutating func enter(depth: Int, at mark: YAMLMark) throws(YAMLError) {
    guard depth < limits.depth else { throw tooDeep(at: mark) }
    try count(nodes: 1, bytes: 0, at: mark)
  }

  private mutating func count(nodes newNodes: Int, bytes newBytes: Int, at mark: YAMLMark) throws(YAMLError) {
    nodes += newNodes
    bytes += newBytes
    guard nodes <= limits.nodes else {
      throw YAMLError(
        .limit, at: mark, "more than \(limits.nodes) values after expanding aliases",
        "split the text, or use fewer aliases")
    }
    guard bytes <= limits.bytes else {
      throw YAMLError(
        .limit, at: mark, "more than \(limits.bytes) bytes of values after expanding aliases",
        "split the text, or use fewer aliases")
    }
  }

  private func tooDeep(at mark: YAMLMark) -> YAMLError {
    YAMLError(.limit, at: mark, "sequences and mappings nested deeper than \(limits.depth) levels", "reduce the nesting")
  }
}

// MARK: Tags

extension Composer {
  private func scalar(_ text: String, isPlain: Bool, tag: String?, at mark: YAMLMark) throws(YAMLError) -> YAMLScalar {
    let scalar = YAMLScalar(text: text, style: isPlain ? .plain : .quoted, tag: try known(tag, nonSpecific: .string, at: mark))
    guard scalar.fitsTag else {
      throw YAMLError(.parsing, at: mark, "the value does not match its tag", "correct the value, or remove the tag")
    }
    return scalar
  }

  private func require(_ tag: String?, _ wanted: YAMLTag, at mark: YAMLMark) throws(YAMLError) {
    guard let tag = try known(tag, nonSpecific: wanted, at: mark), tag != wanted else { return }
    throw YAMLError(.parsing, at: mark, "the value does not match its tag", "correct the value, or remove the tag")
  }

  /// - Parameter nonSpecific: the meaning of the tag `!`.
  private func known(_ tag: String?, nonSpecific: YAMLTag, at mark: YAMLMark) throws(YAMLError) -> YAMLTag? {
    guard let tag else { return nil }
    if tag == "!" { return nonSpecific }
    guard let known = YAMLTag(rawValue: tag) else {
      throw YAMLError(.parsing, at: mark, "the tag \(shortened(tag)) is not in YAML's core schema", "remove the tag")
    }
    return known
  }
}

/// Truncates a name for an error message.
private func shortened(_ name: String) -> String {
  name.utf8.count <= 60 ? name : name.prefix(60) + "…"
}
