/// The type of a metric family, as in its `# TYPE` line.
/// Source: Prometheus text exposition format 0.0.4.
package enum MetricType: String, Sendable {
  case counter
  case gauge
  case histogram
  case summary
  case untyped
}

extension MetricType {
  /// Parses the type of a TYPE line. Types that only OpenMetrics has map to `untyped`. `nil` for any word that the format does not have.
  init?(_ word: UnsafeRawBufferPointer, _ format: ExpositionFormat) {
    switch (String(decoding: word, as: UTF8.self), format) {
    case ("counter", _): self = .counter
    case ("gauge", _): self = .gauge
    case ("histogram", _): self = .histogram
    case ("summary", _): self = .summary
    case ("untyped", .text): self = .untyped
    case ("unknown", .openMetrics), ("gaugehistogram", .openMetrics), ("stateset", .openMetrics), ("info", .openMetrics): self = .untyped
    default: return nil
    }
  }
}

/// A suffix that a sample's name may add to its family's name.
/// Source: https://prometheus.io/docs/instrumenting/exposition_formats/ for `_bucket`, `_sum` and `_count`, OpenMetrics 1.0 for the others.
package enum FamilySuffix: String, CaseIterable, Sendable {
  case none = ""
  case bucket = "_bucket"
  case sum = "_sum"
  case count = "_count"
  case total = "_total"
  case created = "_created"
  case info = "_info"
  case gcount = "_gcount"
  case gsum = "_gsum"

  package init?(_ bytes: UnsafeRawBufferPointer) {
    if bytes.isEmpty {
      self = .none
    } else {
      // Few samples have a suffix, so the String costs little.
      self.init(rawValue: String(decoding: bytes, as: UTF8.self))
    }
  }
}
