/// How a page's labels are rewritten, and which of its families go through.
package protocol LabelRule: Sendable {
  /// Asked when a page comes to a family.
  func treatment(ofFamily name: UnsafeRawBufferPointer) -> FamilyTreatment
  /// Changes one set of labels; called once for each different set of a page and treatment.
  func rewrite(_ labels: inout LabelBuilder, treatment: UInt8)
}

/// Rewrites pages in the text format as they come: chunks in, whole lines of 0.0.4 out, in the order of the page. Comments other than
/// HELP and TYPE, and exemplars, do not go through.
///
///     var rewriter = ExpositionRewriter(rule, limits: limits)
///     rewriter.begin()
///     for try await chunk in body { try chunk.withUnsafeBytes { try rewriter.rewrite($0, into: &output) } }
///     try rewriter.finish()
package struct ExpositionRewriter<Rule: LabelRule>: Sendable {
  private var reader: ExpositionParser
  private var writer: RewritingVisitor<Rule>

  /// - Parameters:
  ///   - keepsTimestamps: whether samples keep the times that they carry.
  ///   - refusesDuplicates: whether a series that comes twice, after the rewriting, makes the page malformed.
  package init(_ rule: Rule, limits: ExpositionLimits = .standard, keepsTimestamps: Bool = true, refusesDuplicates: Bool = false) {
    reader = ExpositionParser(limits: limits, refusesDuplicates: refusesDuplicates)
    writer = RewritingVisitor(rule: rule, keepsTimestamps: keepsTimestamps)
  }

  /// Makes ready for the next page; memory is kept.
  package mutating func begin() {
    reader.begin()
    writer.begin()
  }

  /// Takes the page's next bytes and appends the lines that are complete to `output`.
  package mutating func rewrite(_ chunk: UnsafeRawBufferPointer, into output: inout [UInt8]) throws(ExpositionError) {
    swap(&writer.output, &output)
    defer { swap(&writer.output, &output) }
    try reader.read(chunk, &writer)
  }

  /// The page has ended.
  package mutating func finish() throws(ExpositionError) {
    try reader.finish()
  }
}

private struct RewritingVisitor<Rule: LabelRule>: ExpositionVisitor, Sendable {
  let rule: Rule
  let keepsTimestamps: Bool
  var output: [UInt8] = []
  /// The rewritten label sets with their braces, one after the other, and where each begins.
  private var sets: [UInt8] = []
  private var starts: [Int] = [0]
  /// Many samples carry the time of the one before.
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
    // Sets of families that were dropped have an index, and no text.
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
