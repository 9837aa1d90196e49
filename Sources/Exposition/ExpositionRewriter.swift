/// Decides which families of a body are kept, and rewrites their labels.
package protocol LabelRule: Sendable {
  /// Called once for each occurrence of a family.
  func treatment(ofFamily name: UnsafeRawBufferPointer) -> FamilyTreatment
  /// Rewrites a label set. Called once for each distinct combination of set and treatment in a body.
  func rewrite(_ labels: inout LabelBuilder, treatment: UInt8)
}

/// Rewrites the labels of a body while it streams: chunks in, whole lines of the text format 0.0.4 out, in the original order. Drops
/// exemplars, samples from before 1970 and all comments other than HELP and TYPE, and translates quoted names to legacy names.
///
///     var rewriter = ExpositionRewriter(rule, limits: limits)
///     rewriter.begin(format)
///     for try await chunk in body { try chunk.withUnsafeBytes { try rewriter.rewrite($0, into: &output) } }
///     try rewriter.finish(into: &output)
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
  package mutating func begin(_ format: ExpositionFormat = .text) {
    parser.begin(format)
    visitor.begin()
  }

  /// Rewrites the next bytes of the body and appends all complete lines to `output`.
  package mutating func rewrite(_ chunk: UnsafeRawBufferPointer, into output: inout [UInt8]) throws(ExpositionError) {
    swap(&visitor.output, &output)
    defer { swap(&visitor.output, &output) }
    try parser.parse(chunk, &visitor)
  }

  /// Ends the body, and appends its last line if it has no line feed.
  package mutating func finish(into output: inout [UInt8]) throws(ExpositionError) {
    swap(&visitor.output, &output)
    defer { swap(&visitor.output, &output) }
    try parser.finish(&visitor)
  }
}

private struct RewritingVisitor<Rule: LabelRule>: ExpositionVisitor, Sendable {
  let rule: Rule
  let keepsTimestamps: Bool
  var output: [UInt8] = []
  /// The rewritten label sets with their braces, concatenated, and the start of each.
  private var sets: [UInt8] = []
  private var starts: [Int] = [0]
  private var names = LegacyNames(ofLabels: false, keeping: [])
  /// By name, for the names that are not legacy names.
  private var translations: [[UInt8]: [UInt8]] = [:]
  /// The translation of the current sample's name. `nil` for a legacy name.
  private var translation: [UInt8]?
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
    names = LegacyNames(ofLabels: false, keeping: [])
    translations = [:]
  }

  mutating func enter(family: UnsafeRawBufferPointer, sample name: UnsafeRawBufferPointer) {
    translation = isLegacyName(name, ofLabel: false) ? nil : legacyName(name)
  }

  private mutating func legacyName(_ name: UnsafeRawBufferPointer) -> [UInt8] {
    if isLegacyName(name, ofLabel: false) { return Array(name) }
    let known = translations[Array(name)] ?? names.translation(of: name)
    translations[Array(name)] = known
    return known
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
    output.append(contentsOf: legacyName(name))
    output.append(UInt8(ascii: " "))
    output.append(contentsOf: text)
    output.append(UInt8(ascii: "\n"))
  }

  mutating func type(_ type: MetricType, ofFamily name: UnsafeRawBufferPointer) {
    append("# TYPE ")
    output.append(contentsOf: legacyName(name))
    output.append(UInt8(ascii: " "))
    output.append(contentsOf: type.rawValue.utf8)
    output.append(UInt8(ascii: "\n"))
  }

  @inline(__always)
  mutating func sample(_ name: UnsafeRawBufferPointer, labels: Int, value: UnsafeRawBufferPointer, timestamp: Int64?) {
    // The text format has no times before 1970.
    if let timestamp, timestamp < 0 { return }
    if let translation { output.append(contentsOf: translation) } else { output.append(contentsOf: name) }
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
