/// Writes metrics in an exposition format into one array of bytes.
///
/// All samples of a family follow its `family` call, before the next family: the format wants them together.
/// ```
/// writer.family("rollcall_gaps", .gauge, help: "Containers that are not collected.")
/// writer.sample("rollcall_gaps", ["node": "a"], 3)
/// ```
package struct ExpositionWriter: Sendable {
  package private(set) var bytes: [UInt8] = []
  private var currentFamily = ""
  private let format: ExpositionFormat

  /// - Parameter capacity: bytes to reserve, for a caller that knows how large its last page was.
  package init(_ format: ExpositionFormat = .text, reservingCapacity capacity: Int = 0) {
    self.format = format
    bytes.reserveCapacity(capacity)
  }

  /// What has been written since the last time, for a page that is sent piece by piece. The current family goes on.
  package mutating func takeBytes() -> [UInt8] {
    let piece = bytes
    bytes = []
    bytes.reserveCapacity(piece.count + piece.count / 8)
    return piece
  }

  /// Starts a family with its HELP and TYPE lines. Naming the current family again writes nothing, so that loops need not care.
  package mutating func family(_ name: String, _ type: MetricType, help: String) {
    guard name != currentFamily else { return }
    assert(isMetricName(name), "not a metric name: \(name)")
    currentFamily = name
    // OpenMetrics names a family of counters without the suffix of its samples.
    let family = format == .openMetrics && type == .counter && name.hasSuffix("_total") ? name.dropLast("_total".count) : name[...]
    append("# HELP ")
    append(family)
    append(" ")
    bytes.appendEscapedHelp(help, escapingQuotes: format == .openMetrics)
    append("\n# TYPE ")
    append(family)
    append(" ")
    append(type.rawValue)
    append("\n")
  }

  /// A family of one sample.
  package mutating func family(
    _ name: String, _ type: MetricType, help: String, labels: ExpositionLabels = .none, value: Double
  ) {
    family(name, type, help: help)
    sample(name, labels, value)
  }

  /// A gauge that is always 1 and tells by its labels, as `rollcall_build_info` does.
  package mutating func info(_ name: String, help: String, _ labels: ExpositionLabels) {
    family(name, .gauge, help: help)
    sample(name, labels, 1)
  }

  /// One sample. The timestamp is in milliseconds since 1970-01-01T00:00:00Z; without one Prometheus takes the time of its scrape.
  package mutating func sample(
    _ name: String, _ labels: ExpositionLabels, _ value: Double, timestampMilliseconds: Int64? = nil
  ) {
    begin(name, labels)
    append(number: value)
    end(timestampMilliseconds)
  }

  /// One sample with an integer of any size, to the last digit.
  package mutating func sample(
    _ name: String, _ labels: ExpositionLabels, _ value: some FixedWidthInteger, timestampMilliseconds: Int64? = nil
  ) {
    begin(name, labels)
    append(digitsOf: value)
    end(timestampMilliseconds)
  }

  /// One sample without labels.
  package mutating func sample(_ name: String, _ value: Double) {
    sample(name, .none, value)
  }

  /// One sample without labels, to the last digit.
  package mutating func sample(_ name: String, _ value: some FixedWidthInteger) {
    sample(name, .none, value)
  }

  /// The samples of one histogram: a bucket for each bound and `+Inf`, `_sum` and `_count`. The family is of type `histogram`.
  package mutating func histogram(_ name: String, _ labels: ExpositionLabels, _ histogram: Histogram) {
    var cumulative: UInt64 = 0
    let bucketName = name + "_bucket"
    for (bound, count) in zip(histogram.upperBounds + [.infinity], histogram.counts) {
      cumulative += count
      sample(bucketName, labels.adding("le", Self.text(of: bound)), cumulative)
    }
    sample(name + "_sum", labels, histogram.sum)
    sample(name + "_count", labels, cumulative)
  }

  /// Text that is in the format already, whole lines with their line feeds.
  package mutating func append(formatted text: some Collection<UInt8>) {
    currentFamily = ""
    bytes.append(contentsOf: text)
  }

  /// One sample with labels of two origins, which need not be put together for it. The names must differ.
  package mutating func sample(_ name: String, _ labels: ExpositionLabels, _ more: ExpositionLabels, _ value: Double) {
    begin(name, labels, more)
    append(number: value)
    end(nil)
  }

  /// Hands out what was written so far, for pages that are not to be in memory as a whole. The writer goes on with its next family.
  package mutating func drain(_ take: ([UInt8]) -> Void) {
    take(bytes)
    bytes.removeAll(keepingCapacity: true)
  }

  /// Ends the page, which OpenMetrics marks so that a page that was cut off is seen. Nothing may follow.
  package mutating func finish() {
    if format == .openMetrics { append("# EOF\n") }
  }

  private mutating func begin(_ name: String, _ labels: ExpositionLabels, _ more: ExpositionLabels = .none) {
    append(name)
    if !labels.isEmpty || !more.isEmpty {
      bytes.append(UInt8(ascii: "{"))
      bytes.append(contentsOf: labels.bytes)
      if !labels.isEmpty, !more.isEmpty { bytes.append(UInt8(ascii: ",")) }
      bytes.append(contentsOf: more.bytes)
      bytes.append(UInt8(ascii: "}"))
    }
    bytes.append(UInt8(ascii: " "))
  }

  private mutating func end(_ timestampMilliseconds: Int64?) {
    if let timestampMilliseconds {
      append(" ")
      append(digitsOf: timestampMilliseconds)
    }
    bytes.append(UInt8(ascii: "\n"))
  }

  private mutating func append(_ text: some StringProtocol) {
    bytes.append(contentsOf: text.utf8)
  }

  private mutating func append(number value: Double) {
    // Whole numbers that a Double holds exactly are written without an exponent, for people who read the page.
    if value.magnitude < 9_007_199_254_740_992, value == value.rounded(.towardZero) {
      append(digitsOf: Int64(value))
    } else {
      append(Self.text(of: value))
    }
  }

  private mutating func append(digitsOf value: some FixedWidthInteger) {
    if value < 0 {
      append("-")
    }
    let start = bytes.count
    var rest = value.magnitude
    repeat {
      let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
      bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: digit))
      rest = quotient
    } while rest != 0
    bytes[start...].reverse()
  }

  /// The shortest text that reads back as the same number, in the spelling of the format.
  static func text(of value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    return value.description
  }
}
