package import Exposition

/// A sample of a body in the text format.
package struct ParsedSample: Equatable, Sendable, CustomStringConvertible {
  package struct Label: Equatable, Sendable {
    package var name: String
    package var escapedValue: String

    package init(name: String, escapedValue: String) {
      self.name = name
      self.escapedValue = escapedValue
    }

    package var value: String { unescapedLabelValue(escapedValue.utf8) }
  }

  package var name: String
  /// In the order of the body, including empty labels.
  package var labels: [Label]
  package var value: Double
  /// In milliseconds since 1970.
  package var timestamp: Int64?

  package init(_ name: String, labels: [Label] = [], value: Double, timestamp: Int64? = nil) {
    self.name = name
    self.labels = labels
    self.value = value
    self.timestamp = timestamp
  }

  /// The unescaped value of a label.
  package subscript(label: String) -> String? { labels.first { $0.name == label }?.value }

  package var description: String {
    let labels = labels.map { "\($0.name)=\"\($0.escapedValue)\"" }.joined(separator: ",")
    return "\(name){\(labels)} \(value)" + (timestamp.map { " \($0)" } ?? "")
  }

  /// NaN equals NaN.
  package static func == (left: ParsedSample, right: ParsedSample) -> Bool {
    (left.name, left.labels, left.timestamp) == (right.name, right.labels, right.timestamp)
      && (left.value == right.value || left.value.isNaN && right.value.isNaN)
  }
}

/// Parses a body. By default duplicate series are an error.
package func parsedSamples(
  _ body: [UInt8], _ format: ExpositionFormat = .text, limits: ExpositionLimits = .standard, rejectsDuplicates: Bool = true
) throws(ExpositionError) -> [ParsedSample] {
  var parser = ExpositionParser(limits: limits, rejectsDuplicates: rejectsDuplicates)
  var visitor = SampleVisitor()
  try parser.parse(whole: body, format, &visitor)
  return visitor.samples
}

private struct SampleVisitor: ExpositionVisitor {
  var samples: [ParsedSample] = []
  private var labelSets: [[ParsedSample.Label]] = []

  func treatment(ofFamily name: UnsafeRawBufferPointer) -> FamilyTreatment { .keep(0) }

  mutating func rewrite(_ labels: inout LabelBuilder, index: Int, treatment: UInt8) {
    labelSets.append(
      (0..<labels.count).map { label in
        ParsedSample.Label(
          name: String(decoding: labels.nameBytes(at: label), as: UTF8.self),
          escapedValue: String(decoding: labels.valueBytes(at: label), as: UTF8.self))
      })
  }

  func help(_ text: UnsafeRawBufferPointer, ofFamily name: UnsafeRawBufferPointer) {}

  func type(_ type: MetricType, ofFamily name: UnsafeRawBufferPointer) {}

  mutating func sample(_ name: UnsafeRawBufferPointer, labels: Int, value: UnsafeRawBufferPointer, timestamp: Int64?) {
    samples.append(
      ParsedSample(
        String(decoding: name, as: UTF8.self), labels: labelSets[labels],
        value: parseNumber(value.bindMemory(to: UInt8.self).span) ?? .nan, timestamp: timestamp))
  }
}
