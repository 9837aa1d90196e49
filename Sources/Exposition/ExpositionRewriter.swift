/// Decides which families of a body are kept, and rewrites their labels.
package protocol LabelRule: Sendable {
  /// Called once for each occurrence of a family.
  func treatment(ofFamily name: UnsafeRawBufferPointer) -> FamilyTreatment
  /// Rewrites a label set. Called once for each distinct combination of set and treatment in a body.
  func rewrite(_ labels: inout LabelBuilder, treatment: UInt8)
}

/// Rewrites the labels of a body in the text format while it streams: chunks in, whole lines of 0.0.4 out, in the original order. Drops
/// exemplars and all comments other than HELP and TYPE.
///
///     var revisitor = ExpositionRewriter(rule, limits: limits)
///     revisitor.begin()
///     for try await chunk in body { try chunk.withUnsafeBytes { try rewriter.rewrite($0, into: &output) } }
///     try rewriter.finish()
package struct ExpositionRewriter<Rule: LabelRule>: Sendable {
  private var parser: ExpositionParser
  private var visitor: RewritingVisitor<Rule>

  /// - Parameters:
  ///   - keepsTimestamps: whether samples keep their timestamps.
  ///   - rejectsDuplicates: whether duplicate series, after rewriting, are an error.
  package init(_ rule: Rule, limits: ExpositionLimits = .standard, keepsTimestamps: Bool = true, rejectsDuplicates: Bool = false) {
    parser = ExpositionParser(limits: limits, rejectsDuplicates: rejectsDuplicates)
    visitor = RewritingVisitor(rule: rule, keepsTimestamps: keepsTimestamps)
  }

  /// Starts the next body. Keeps allocated memory.
  package mutating func begin() {
    parser.begin()
    visitor.begin()
  }

  /// Rewrites the next bytes of the body and appends all complete lines to `output`.
  package mutating func rewrite(_ chunk: UnsafeRawBufferPointer, into output: inout [UInt8]) throws(ExpositionError) {
    swap(&visitor.output, &output)
    defer { swap(&visitor.output, &output) }
    try parser.parse(chunk, &visitor)
  }

  /// Ends the body.
  /// - Throws: if its last line has no line feed.
  package mutating func finish() throws(ExpositionError) {
    try parser.finish()
  }
}

private struct RewritingVisitor<Rule: LabelRule>: ExpositionVisitor, Sendable {
  let rule: Rule
  let keepsTimestamps: Bool
  var output: [UInt8] = []
  /// The rewritten label sets with their braces, concatenated, and the start of each.
  private var sets: [UInt8] = []
  private var starts: [Int] = [0]
  /// Caches the text of the last timestamp: consecutive samples usually share it.
  private var lastTimestamp: Int64 = -1
  private var timestampText: [UInt8] = []

  init(rule: Rule, keepsTimestamps: Bool) {
    self.rule = rule
    self.keepsTimestamps = keepsTimestamps
  }

  mutating func begin() {
    sets.removeAll(keepingCapacity: true)
    starts.removeAll(keepingCapacity: true)
    starts.append(0)
  }

  func treatment(ofFamily name: UnsafeRawBufferPointer) -> FamilyTreatment { rule.treatment(ofFamily: name) }

  mutating func rewrite(_ labels: inout LabelBuilder, index: Int, treatment: UInt8) {
    rule.rewrite(&labels, treatment: treatment)
    // The label sets of dropped families have an index but no text.
    while starts.count <= index { starts.append(sets.count) }
    if labels.count > 0 {
      sets.append(UInt8(ascii: "{"))
      labels.append(to: &sets)
      sets.append(UInt8(ascii: "}"))
    }
    starts.append(sets.count)
  }

  mutating func help(_ text: UnsafeRawBufferPointer, ofFamily name: UnsafeRawBufferPointer) {
    append("# HELP ")
    output.append(contentsOf: name)
    output.append(UInt8(ascii: " "))
    output.append(contentsOf: text)
    output.append(UInt8(ascii: "\n"))
  }

  mutating func type(_ type: MetricType, ofFamily name: UnsafeRawBufferPointer) {
    append("# TYPE ")
    output.append(contentsOf: name)
    output.append(UInt8(ascii: " "))
    output.append(contentsOf: type.rawValue.utf8)
    output.append(UInt8(ascii: "\n"))
  }

  @inline(__always)
  mutating func sample(_ name: UnsafeRawBufferPointer, labels: Int, value: UnsafeRawBufferPointer, timestamp: Int64?) {
    output.append(contentsOf: name)
    sets.withUnsafeBytes { output.append(contentsOf: UnsafeRawBufferPointer(rebasing: $0[starts[labels]..<starts[labels + 1]])) }
    output.append(UInt8(ascii: " "))
    output.append(contentsOf: value)
    if keepsTimestamps, let timestamp {
      if timestamp != lastTimestamp {
        lastTimestamp = timestamp
        timestampText = Array(" \(timestamp)".utf8)
      }
      output.append(contentsOf: timestampText)
    }
    output.append(UInt8(ascii: "\n"))
  }

  private mutating func append(_ text: StaticString) {
    text.withUTF8Buffer { output.append(contentsOf: $0) }
  }
}
