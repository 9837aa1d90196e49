/// Writes metrics in an exposition format into one array of bytes.
///
/// Write all samples of a family after its `family` call and before the next one: the format requires families to be contiguous.
/// ```
/// writer.family("rollcall_gaps", .gauge, help: "Containers that are not collected.")
/// writer.sample("rollcall_gaps", ["node": "a"], 3)
/// ```
package struct ExpositionWriter: Sendable {
  package private(set) var bytes: [UInt8] = []
  private var currentFamily = ""
  private let format: ExpositionFormat

  /// - Parameter capacity: bytes to reserve, for example the size of the caller's last exposition.
  package init(_ format: ExpositionFormat = .text, reservingCapacity capacity: Int = 0) {
    self.format = format
    bytes.reserveCapacity(capacity)
  }

  /// Returns the bytes written since the last call, for an exposition that is sent in chunks. The current family stays open.
  package mutating func takeBytes() -> [UInt8] {
    let piece = bytes
    bytes = []
    bytes.reserveCapacity(piece.count + piece.count / 8)
    return piece
  }

  /// Starts a family with its HELP and TYPE lines. Does nothing if the family is the current one, so it can be called in a loop.
  package mutating func family(_ name: String, _ type: MetricType, help: String) {
    guard name != currentFamily else { return }
    assert(isMetricName(name), "not a metric name: \(name)")
    currentFamily = name
    // OpenMetrics omits the suffix of the samples in the name of a counter family.
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

  /// Writes a family with one sample.
  package mutating func family(
    _ name: String, _ type: MetricType, help: String, labels: ExpositionLabels = .none, value: Double
  ) {
    family(name, type, help: help)
    sample(name, labels, value)
  }

  /// Writes an info-style gauge: its value is 1 and its labels carry the information, as in `rollcall_build_info`.
  package mutating func info(_ name: String, help: String, _ labels: ExpositionLabels) {
    family(name, .gauge, help: help)
    sample(name, labels, 1)
  }

  /// Writes one sample. The timestamp is in milliseconds since 1970-01-01T00:00:00Z. Without one, Prometheus uses the time of its scrape.
  package mutating func sample(
    _ name: String, _ labels: ExpositionLabels, _ value: Double, timestampMilliseconds: Int64? = nil
  ) {
    begin(name, labels)
    append(number: value)
    end(timestampMilliseconds)
  }

  /// Writes one sample with an integer of any size, without loss of precision.
  package mutating func sample(
    _ name: String, _ labels: ExpositionLabels, _ value: some FixedWidthInteger, timestampMilliseconds: Int64? = nil
  ) {
    begin(name, labels)
    append(digitsOf: value)
    end(timestampMilliseconds)
  }

  /// Writes one sample without labels.
  package mutating func sample(_ name: String, _ value: Double) {
    sample(name, .none, value)
  }

  /// Writes one sample without labels, without loss of precision.
  package mutating func sample(_ name: String, _ value: some FixedWidthInteger) {
    sample(name, .none, value)
  }

  /// Writes the samples of one histogram: a bucket for each bound and `+Inf`, `_sum` and `_count`. The family must be of type `histogram`.
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

  /// Appends text that is already in the format: whole lines, each with its line feed.
  package mutating func append(formatted text: some Collection<UInt8>) {
    currentFamily = ""
    bytes.append(contentsOf: text)
  }

  /// Writes one sample with two label sets, without joining them first. The sets must have no name in common.
  package mutating func sample(_ name: String, _ labels: ExpositionLabels, _ more: ExpositionLabels, _ value: Double) {
    begin(name, labels, more)
    append(number: value)
    end(nil)
  }

  /// Passes the bytes written so far to `take` and clears them, for an exposition that is never in memory as a whole.
  package mutating func drain(_ take: ([UInt8]) -> Void) {
    take(bytes)
    bytes.removeAll(keepingCapacity: true)
  }

  /// Ends the exposition. OpenMetrics ends with `# EOF`, which lets clients detect truncation. Write nothing after this call.
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
    // Integers that a Double represents exactly are written without an exponent, for human readers.
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

  /// The shortest text that parses as the same number, in the format's spelling.
  static func text(of value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    return value.description
  }
}

/// A Prometheus histogram: counts observations in buckets.
package struct Histogram: Hashable, Sendable {
  /// Ascending and finite. The implicit last bucket is `+Inf`.
  package let upperBounds: [Double]
  /// One count for each bound and one for `+Inf`. Not cumulative.
  package private(set) var counts: [UInt64]
  package private(set) var sum = 0.0

  /// - Parameter upperBounds: inclusive, ascending, finite.
  package init(upperBounds: [Double]) {
    assert(upperBounds.allSatisfy(\.isFinite) && zip(upperBounds, upperBounds.dropFirst()).allSatisfy(<), "bounds must ascend")
    self.upperBounds = upperBounds
    counts = Array(repeating: 0, count: upperBounds.count + 1)
  }

  /// In seconds, from a fast local response to the longest deadline in use.
  package static let secondsBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

  package mutating func observe(_ value: Double) {
    let bucket = upperBounds.firstIndex { value <= $0 } ?? upperBounds.count
    counts[bucket] += 1
    sum += value
  }

  package var count: UInt64 { counts.reduce(0, +) }
}
