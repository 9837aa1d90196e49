/// The type of a metric family, as its `# TYPE` line says it.
/// Source: Prometheus text exposition format 0.0.4.
package enum MetricType: String, Sendable {
  case counter
  case gauge
  case histogram
  case summary
  case untyped
}

extension MetricType {
  /// The type that a TYPE line of 0.0.4 or of OpenMetrics 1.0 names; OpenMetrics's own types are `untyped` in 0.0.4. `nil` for any other word.
  init?(openMetrics word: UnsafeRawBufferPointer) {
    switch String(decoding: word, as: UTF8.self) {
    case "counter": self = .counter
    case "gauge": self = .gauge
    case "histogram": self = .histogram
    case "summary": self = .summary
    case "untyped", "unknown", "gaugehistogram", "stateset", "info": self = .untyped
    default: return nil
    }
  }
}

/// Values of the `Content-Type` header.
package enum ExpositionContentType {
  /// What `ExpositionWriter` writes.
  package static let text = "text/plain; version=0.0.4; charset=utf-8"
  /// What a scrape of ours asks for, as an `Accept` header: OpenMetrics is read, and not asked for.
  package static let accepted = "text/plain;version=0.0.4;q=1,*/*;q=0.1"
}
